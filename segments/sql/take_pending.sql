-- The next customers that are to be evaluated again, and segments that somebody was forgotten in.
DELETE FROM segments_pendingcustomer
WHERE workspace_id = :workspace_id AND id = ANY(array(
    SELECT id FROM segments_pendingcustomer WHERE workspace_id = :workspace_id ORDER BY id LIMIT :limit
))
RETURNING customer_id, segment_id, event_types
