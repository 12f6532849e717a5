{% from "customers/sql/customers_in_node.sql" import in_node %}
-- Of some of a node's customers: which conditions they fit, one for each segment, and the values that moments
-- relative to now come to next, as a JSON array of arrays of texts.
SELECT customer.id, :conditions, :values
FROM customers_customer AS customer
WHERE {{ in_node() }} AND customer.id = ANY(:ids::uuid[])
