{% from "customers/sql/change_feed.sql" import note_changes %}
-- The events that were kept aside when a customer was deleted, with their changes. One whose external id
-- another event of the node and type has taken meanwhile stays away for good.
WITH hidden AS (
    DELETE FROM events_deletedevent
    WHERE customer_id = :customer_id AND workspace_id = :workspace_id
    RETURNING row
),
event AS (
    INSERT INTO events_event
    SELECT stored.* FROM hidden, LATERAL jsonb_populate_record(NULL::events_event, hidden.row) AS stored
    ORDER BY stored.external_id
    ON CONFLICT DO NOTHING
    RETURNING id, workspace_id, node_id
),
change AS (
    {{ note_changes("event ORDER BY id", "EVENT", "CREATE", at="statement_timestamp()") }}
)
SELECT count(*) FROM event
