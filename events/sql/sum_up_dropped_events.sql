-- Many counts of dropped events become one for each node, type, reason and day.
WITH taken AS (
    DELETE FROM events_droppedevents WHERE workspace_id = :workspace_id AND id IN (
        SELECT id FROM events_droppedevents WHERE workspace_id = :workspace_id
        ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING workspace_id, node_id, type, reason, day, count
),
summed AS (
    INSERT INTO events_droppedevents (workspace_id, node_id, type, reason, day, count)
    SELECT workspace_id, node_id, type, reason, day, sum(count) FROM taken
    GROUP BY workspace_id, node_id, type, reason, day
    RETURNING id
)
SELECT (SELECT count(*) FROM taken), (SELECT count(*) FROM summed)
