{% from "customers/sql/customers_in_node.sql" import in_node %}
{% from "segments/sql/listing.sql" import listing %}
-- Customers of the node go on the list of a static segment. Those that are there, and whether they are new on
-- the list.
WITH customer AS (
    SELECT customer.id FROM customers_customer AS customer
    WHERE {{ in_node() }} AND customer.id = ANY(:ids::uuid[])
    ORDER BY customer.id FOR KEY SHARE
),
{{ listing() }}
SELECT customer.id, listed.customer_id IS NOT NULL AS is_new
FROM customer LEFT JOIN listed ON listed.customer_id = customer.id
