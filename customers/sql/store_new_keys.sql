-- Keys that customers of a node get when all are computed; doing it twice is harmless.
INSERT INTO customers_newkey (customer_id, workspace_id, node_id, match_key)
SELECT given.id, :workspace_id, :node_id, given.match_key
FROM unnest(:ids::uuid[], :keys::bytea[]) AS given (id, match_key)
ON CONFLICT (customer_id) DO UPDATE SET match_key = excluded.match_key
RETURNING customer_id
