{% from "customers/sql/customers_in_node.sql" import in_node %}
{% from "customers/sql/page_of_rows.sql" import rows_and_last with context %}
-- A page of a node's customers that match a condition, and how many match, `:most` at most. The matches are
-- found once, in order, for the page and the count.
WITH matched AS MATERIALIZED (
    SELECT found.id, row_number() OVER () AS position
    FROM (
        SELECT customer.id FROM customers_customer AS customer
        WHERE {{ in_node() }} AND (:condition)
        ORDER BY :order LIMIT :most
    ) AS found
),
page AS (SELECT id, position FROM matched ORDER BY position LIMIT :size OFFSET :first)
SELECT
    (SELECT count(*) FROM matched),
    {{ rows_and_last("customers_customer", "customer") }}
