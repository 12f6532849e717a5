-- Entry customers that become members of an aggregate node, or members under another key.
INSERT INTO customers_aggregatemember (workspace_id, aggregate_node_id, entry_id, match_key)
SELECT :workspace_id, :node_id, given.entry_id, given.match_key
FROM unnest(:entries::uuid[], :keys::bytea[]) AS given (entry_id, match_key)
ON CONFLICT (entry_id, aggregate_node_id) DO UPDATE SET match_key = EXCLUDED.match_key
RETURNING entry_id
