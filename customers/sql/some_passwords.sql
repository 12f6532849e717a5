-- The next customers of a workspace that have a password, by id.
SELECT id, (base #> '{credential,password}')::text
FROM customers_customer
WHERE workspace_id = :workspace_id AND id > :after AND base #> '{credential,password}' IS NOT NULL
ORDER BY id LIMIT :most
