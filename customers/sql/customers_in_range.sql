{% from "customers/sql/customers_in_node.sql" import in_node %}
-- The first customers of a range of an order: as many as a page could need.
SELECT customer.id FROM customers_customer AS customer
WHERE {{ in_node() }} AND (:condition) ORDER BY :order LIMIT :size
