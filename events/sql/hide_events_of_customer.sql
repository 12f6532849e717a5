{% from "customers/sql/change_feed.sql" import note_changes %}
{% from "events/sql/records_of_requests.sql" import requests_without_removed %}
-- The events of a customer that was deleted are kept aside, with their changes; what is kept of the requests
-- that sent them goes.
WITH removed AS (
    DELETE FROM events_event
    WHERE customer_id = :customer_id AND workspace_id = :workspace_id
    RETURNING *
),
hidden AS (
    INSERT INTO events_deletedevent (workspace_id, id, customer_id, node_id, type, date, row)
    SELECT workspace_id, id, customer_id, node_id, type, date, to_jsonb(removed) FROM removed
),
change AS (
    {{ note_changes("removed ORDER BY id", "EVENT", "DELETE", at="statement_timestamp()") }}
),
{{ requests_without_removed() }}
SELECT count(*) FROM removed
