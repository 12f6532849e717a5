{% from "customers/sql/change_feed.sql" import note_changes %}
-- Events of a node, with their changes.
WITH batch AS (
    SELECT id FROM events_event
    WHERE node_id = :node_id AND workspace_id = :workspace_id
    LIMIT :limit FOR UPDATE SKIP LOCKED
),
removed AS (
    DELETE FROM events_event
    WHERE workspace_id = :workspace_id AND id = ANY(array(SELECT id FROM batch))
    RETURNING id, workspace_id, node_id
),
change AS (
    {{ note_changes("removed ORDER BY id", "EVENT", "DELETE", at="statement_timestamp()") }}
)
SELECT count(*) FROM removed
