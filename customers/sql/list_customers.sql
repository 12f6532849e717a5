{% from "customers/sql/customers_in_node.sql" import in_node %}
{% from "customers/sql/page_of_rows.sql" import rows_and_last with context %}
-- A page of all customers of a node; counters know how many there are.
WITH page AS (
    SELECT found.id, row_number() OVER () AS position
    FROM (
        SELECT customer.id FROM customers_customer AS customer
        WHERE {{ in_node() }} ORDER BY :order LIMIT :size OFFSET :first
    ) AS found
)
SELECT
    NULL::bigint,
    {{ rows_and_last("customers_customer", "customer") }}
