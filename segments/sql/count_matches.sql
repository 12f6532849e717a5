{% from "customers/sql/customers_in_node.sql" import in_node %}
-- How many customers of a node fit a condition.
SELECT count(*) FROM customers_customer AS customer WHERE {{ in_node() }} AND (:condition)
