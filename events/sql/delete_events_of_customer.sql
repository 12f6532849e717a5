{% from "customers/sql/change_feed.sql" import note_changes %}
-- The events of a customer, with their changes.
WITH gone AS (
    DELETE FROM events_event
    WHERE customer_id = :customer_id AND workspace_id = :workspace_id
    RETURNING id, workspace_id, node_id
),
change AS (
    {{ note_changes("gone ORDER BY id", "EVENT", "DELETE", at="clock_timestamp()") }}
)
SELECT count(*) FROM gone
