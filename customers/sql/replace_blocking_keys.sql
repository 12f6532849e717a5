-- The keys of customers are those that are given, and no others.
WITH given AS (
    SELECT * FROM unnest(:customers::uuid[], :keys::bigint[]) AS given (customer_id, key)
),
removed AS (
    DELETE FROM customers_blockingkey AS stored
    WHERE stored.workspace_id = :workspace_id AND stored.customer_id = ANY(:ids::uuid[])
      AND (stored.customer_id, stored.key) NOT IN (SELECT customer_id, key FROM given)
)
INSERT INTO customers_blockingkey (workspace_id, customer_id, key)
SELECT :workspace_id, customer_id, key FROM given
ON CONFLICT DO NOTHING
RETURNING customer_id
