-- Keys that customers of a node get when all are computed; doing it twice is harmless.
INSERT INTO customers_newkey (customer_id, workspace_id, node_id, match_key, further_keys)
SELECT given.id, :workspace_id, :node_id, given.match_key, given.further_keys::jsonb
FROM unnest(:ids::uuid[], :keys::bytea[], :further_keys::text[])
    AS given (id, match_key, further_keys)
ON CONFLICT (workspace_id, customer_id) DO UPDATE
SET match_key = excluded.match_key, further_keys = excluded.further_keys
RETURNING customer_id
