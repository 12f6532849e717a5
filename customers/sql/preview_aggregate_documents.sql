-- The next customers of entry nodes by id: what may identify them, and whether a condition on `customer`
-- leaves them out.
SELECT
    customer.id,
    json_build_object(
        'externalId', customer.external_id, 'base', customer.base, 'extended', customer.extended
    )::text,
    (:excluded) IS TRUE
FROM customers_customer AS customer
WHERE customer.workspace_id = :workspace_id AND customer.deleted = 0
    AND customer.node_id = ANY(:nodes::uuid[])
    AND customer.id > :after
ORDER BY customer.id
LIMIT :most
