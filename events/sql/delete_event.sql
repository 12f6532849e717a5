{% from "customers/sql/change_feed.sql" import note_changes %}
-- An event, with its change.
WITH gone AS (
    DELETE FROM events_event WHERE id = :id AND workspace_id = :workspace_id
    RETURNING id, workspace_id, node_id
),
change AS (
    {{ note_changes("gone ORDER BY id", "EVENT", "DELETE", at="clock_timestamp()") }}
)
SELECT count(*) FROM gone
