{% from "customers/sql/customers_in_node.sql" import in_node %}
-- How many of a node's customers fulfil a condition, `:most` at most.
SELECT count(*) FROM (
    SELECT FROM customers_customer AS customer WHERE {{ in_node() }} AND (:condition) LIMIT :most
) AS found
