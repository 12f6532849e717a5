-- The nodes of those of the customers that are there.
SELECT customer.id, customer.node_id FROM customers_customer AS customer
WHERE customer.workspace_id = :workspace_id AND customer.id = ANY(:ids::uuid[]) AND customer.deleted = 0
