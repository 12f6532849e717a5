{% from "customers/sql/change_feed.sql" import note_changes %}
{% from "events/sql/events_of_people.sql" import identities, own_event, waits %}
{% from "events/sql/records_of_requests.sql" import requests_without_removed %}
-- The events of people and those that wait for them, with their changes, and what is kept of the requests
-- that sent them.
WITH own AS (
    DELETE FROM events_event AS event WHERE {{ own_event() }}
    RETURNING event.id, event.workspace_id, event.node_id, event.external_id, event.updated_at
),
waiting AS (
    DELETE FROM events_event AS event USING {{ identities() }} WHERE {{ waits() }}
    RETURNING event.id, event.workspace_id, event.node_id, event.external_id, event.updated_at
),
hidden AS (
    DELETE FROM events_deletedevent
    WHERE customer_id = ANY(:customers::uuid[]) AND workspace_id = :workspace_id
    RETURNING id
),
removed AS MATERIALIZED (SELECT * FROM own UNION ALL SELECT * FROM waiting),
change AS (
    {{ note_changes("removed ORDER BY id", "EVENT", "DELETE", at="statement_timestamp()") }}
),
{{ requests_without_removed() }}
SELECT (SELECT count(*) FROM removed), (SELECT count(*) FROM hidden), (SELECT count(*) FROM request)
