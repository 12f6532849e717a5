-- Every person of an aggregate node is to be merged again.
INSERT INTO customers_pendingmerge (workspace_id, aggregate_node_id, match_key)
SELECT DISTINCT workspace_id, aggregate_node_id, match_key FROM customers_aggregatemember
WHERE workspace_id = :workspace_id
RETURNING id
