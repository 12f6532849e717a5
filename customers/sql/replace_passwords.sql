-- Store passwords in another form, where they have not been changed since they were read.
UPDATE customers_customer AS customer
SET base = jsonb_set(base, '{credential,password}', given.new::jsonb)
FROM unnest(:ids::uuid[], :before::text[], :new::text[]) AS given (id, before, new)
WHERE customer.id = given.id AND customer.workspace_id = :workspace_id
  AND customer.base #> '{credential,password}' = given.before::jsonb
RETURNING customer.id
