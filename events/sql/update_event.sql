{% from "customers/sql/change_feed.sql" import note_changes %}
-- An event with its change; the row is locked already.
WITH event AS (
    UPDATE events_event
    SET context = :context, properties = :properties::jsonb,
        context_info = :context_info::jsonb, tracking = :tracking::jsonb, date = :date,
        external_id = :external_id, version = version + 1,
        updated_at = date_trunc('milliseconds', clock_timestamp())
    WHERE id = :id AND workspace_id = :workspace_id
    RETURNING id, workspace_id, node_id, updated_at
),
change AS (
    {{ note_changes("event", "EVENT", "UPDATE") }}
)
SELECT id FROM event
