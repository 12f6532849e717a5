{% from "customers/sql/change_feed.sql" import note_changes %}
-- Events of customers become the survivor's of their merge, with their changes; whose each was is kept.
WITH own AS (
    SELECT id, customer_id FROM events_event
    WHERE workspace_id = :workspace_id AND customer_id = ANY(:ids::uuid[])
    ORDER BY id FOR UPDATE
),
event AS (
    UPDATE events_event AS event
    SET customer_id = :survivor_id, version = event.version + 1,
        updated_at = date_trunc('milliseconds', statement_timestamp())
    FROM own
    WHERE event.workspace_id = :workspace_id AND event.id = own.id
    RETURNING event.id, event.workspace_id, event.node_id, event.updated_at
),
kept AS (
    INSERT INTO events_mergedevent (workspace_id, merge_id, event_id, node_id, customer_id, came_later)
    SELECT :workspace_id, :merge_id, event.id, event.node_id, own.customer_id, FALSE
    FROM event JOIN own ON own.id = event.id
),
change AS (
    {{ note_changes("event ORDER BY id", "EVENT", "UPDATE") }}
)
SELECT count(*) FROM event
