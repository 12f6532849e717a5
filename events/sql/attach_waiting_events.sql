{% from "customers/sql/change_feed.sql" import note_changes %}
{% from "events/sql/waiting_events.sql" import appeared, is_waiting, refused %}
-- Each event that is attached is a change of its own.
WITH event AS (
    UPDATE events_event AS event
    SET customer_id = appeared.customer_id, version = version + 1,
        updated_at = date_trunc('milliseconds', statement_timestamp())
    FROM {{ appeared() }}
    WHERE {{ is_waiting() }} AND NOT EXISTS (
        SELECT FROM {{ refused() }}
        WHERE refused.customer_id = appeared.customer_id AND refused.type = event.type
    )
    RETURNING event.id, event.workspace_id, event.node_id, event.updated_at
),
change AS (
    {{ note_changes("event ORDER BY id", "EVENT", "UPDATE") }}
)
SELECT count(*) FROM event
