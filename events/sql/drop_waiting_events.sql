{% from "customers/sql/change_feed.sql" import note_changes %}
{% from "events/sql/waiting_events.sql" import appeared, is_waiting, refused %}
-- Events that are refused, counted by reason.
WITH removed AS (
    DELETE FROM events_event AS event
    USING {{ appeared() }}, {{ refused() }}
    WHERE {{ is_waiting() }}
      AND refused.customer_id = appeared.customer_id AND refused.type = event.type
    RETURNING event.id, event.workspace_id, event.node_id, event.type, refused.reason
),
change AS (
    {{ note_changes("removed ORDER BY id", "EVENT", "DELETE", at="statement_timestamp()") }}
),
counted AS (
    INSERT INTO events_droppedevents (workspace_id, node_id, type, reason, day, count)
    SELECT workspace_id, node_id, type, reason, (now() AT TIME ZONE 'UTC')::date, count(*)
    FROM removed GROUP BY workspace_id, node_id, type, reason
)
SELECT reason, count(*) FROM removed GROUP BY reason
