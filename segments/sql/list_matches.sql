{% from "customers/sql/customers_in_node.sql" import in_node %}
{% from "segments/sql/listing.sql" import listing %}
-- Customers of the node who match a condition go on the list of a static segment. How many are new on it.
WITH customer AS (
    SELECT customer.id FROM customers_customer AS customer
    WHERE {{ in_node() }} AND (:condition)
    ORDER BY customer.id FOR KEY SHARE
),
{{ listing() }}
SELECT count(*) FROM listed
