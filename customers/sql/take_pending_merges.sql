-- Takes merges off the queue; those that another transaction holds are skipped.
DELETE FROM customers_pendingmerge
WHERE workspace_id = :workspace_id AND id IN (
    SELECT id FROM customers_pendingmerge WHERE workspace_id = :workspace_id
    ORDER BY id LIMIT :size FOR UPDATE SKIP LOCKED
)
RETURNING entry_id, aggregate_node_id, match_key
