{% from "customers/sql/change_feed.sql" import note_changes %}
{% from "events/sql/returned_events.sql" import returned_events %}
-- A merge is undone: its events go back to the customers, with their changes.
WITH returned AS MATERIALIZED ({{ returned_events() }}),
own AS (
    SELECT event.id, returned.customer_id
    FROM events_event AS event JOIN returned ON returned.id = event.id
    WHERE event.workspace_id = :workspace_id ORDER BY event.id FOR UPDATE OF event
),
event AS (
    UPDATE events_event AS event
    SET customer_id = own.customer_id, version = event.version + 1,
        updated_at = date_trunc('milliseconds', statement_timestamp())
    FROM own
    WHERE event.workspace_id = :workspace_id AND event.id = own.id
    RETURNING event.id, event.workspace_id, event.node_id, event.updated_at
),
forgotten AS (
    DELETE FROM events_mergedevent WHERE workspace_id = :workspace_id AND merge_id = :merge_id
),
change AS (
    {{ note_changes("event ORDER BY id", "EVENT", "UPDATE") }}
)
SELECT count(*) FROM event
