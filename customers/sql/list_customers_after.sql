{% from "customers/sql/page_of_rows.sql" import rows_and_last with context %}
-- The page after a customer, from the ranges of the order that follow it (see customers_in_range.sql).
WITH page AS (
    SELECT customer.id, row_number() OVER (ORDER BY :order) AS position
    FROM (:ranges) AS found -- noqa: PRS
    JOIN customers_customer AS customer USING (id)
    WHERE customer.workspace_id = :workspace_id
    ORDER BY position LIMIT :size
)
SELECT
    {{ rows_and_last("customers_customer", "customer") }}
