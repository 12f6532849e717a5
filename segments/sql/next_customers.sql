{% from "customers/sql/customers_in_node.sql" import in_node %}
-- The next customers of a node by id.
SELECT customer.id FROM customers_customer AS customer
WHERE {{ in_node() }} AND (:after::uuid IS NULL OR customer.id > :after)
ORDER BY customer.id LIMIT :limit
