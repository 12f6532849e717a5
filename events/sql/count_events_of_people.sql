{% from "events/sql/events_of_people.sql" import identities, own_event, waits %}
-- How many events there are of people, how many wait for them, how many were kept aside when they were
-- deleted, and how many records of requests sent these.
WITH found AS (
    SELECT event.id, FALSE AS is_waiting FROM events_event AS event WHERE {{ own_event() }}
    UNION ALL
    SELECT event.id, TRUE FROM {{ identities() }} JOIN events_event AS event ON {{ waits() }}
)
SELECT count(*) FILTER (WHERE NOT is_waiting), count(DISTINCT id) FILTER (WHERE is_waiting),
    (
        SELECT count(*) FROM events_deletedevent
        WHERE customer_id = ANY(:customers::uuid[]) AND workspace_id = :workspace_id
    ),
    (
        SELECT count(*) FROM configuration_idempotencykey AS record
        WHERE record.workspace_id = :workspace_id
          AND record.entities && (SELECT coalesce(array_agg(found.id), '{}') FROM found)
    )
FROM found
