{% from "customers/sql/change_feed.sql" import note_changes %}
-- The events of a customer, with their changes, and what is kept of the requests that sent them. A
-- request that sent others' events too is kept without those of the customer.
WITH gone AS (
    DELETE FROM events_event
    WHERE customer_id = :customer_id AND workspace_id = :workspace_id
    RETURNING id, workspace_id, node_id, external_id, registered_at
),
change AS (
    {{ note_changes("gone ORDER BY id", "EVENT", "DELETE", at="clock_timestamp()") }}
),
-- Requests are kept for a day; only an event with an external id can be named by a later one.
sent AS (
    SELECT coalesce(array_agg(id), '{}') AS ids FROM gone
    WHERE external_id IS NOT NULL OR registered_at > clock_timestamp() - interval '2 days'
),
request AS (
    SELECT record.id, array_agg(named.event_id) FILTER (WHERE gone.id IS NULL) AS others
    FROM events_idempotencykey AS record
    CROSS JOIN unnest(record.events) AS named (event_id)
    LEFT JOIN gone ON named.event_id = gone.id
    WHERE record.workspace_id = :workspace_id AND record.events && (SELECT ids FROM sent)
    GROUP BY record.id
),
whole_request AS (
    DELETE FROM events_idempotencykey
    WHERE workspace_id = :workspace_id AND id IN (SELECT id FROM request WHERE others IS NULL)
),
part_of_request AS (
    UPDATE events_idempotencykey AS record SET
        events = request.others,
        answer = jsonb_set(record.answer, '{elements}', (
            SELECT jsonb_agg(
                CASE
                    WHEN gone.id IS NULL THEN listed.element
                    ELSE listed.element - 'id'
                END ORDER BY listed.place
            )
            FROM jsonb_array_elements(record.answer -> 'elements')
                WITH ORDINALITY AS listed (element, place)
            LEFT JOIN gone ON gone.id = (listed.element ->> 'id')::uuid
        ))
    FROM request
    WHERE record.workspace_id = :workspace_id AND record.id = request.id
      AND request.others IS NOT NULL
)
SELECT count(*) FROM gone
