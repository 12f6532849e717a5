-- Customers that are there, held so that nobody can forget them meanwhile; without those that others hold,
-- who may wait for what this transaction has locked.
SELECT customer.id FROM customers_customer AS customer
WHERE customer.workspace_id = :workspace_id AND customer.id = ANY(:ids::uuid[]) AND customer.deleted = 0
ORDER BY customer.id FOR KEY SHARE SKIP LOCKED
