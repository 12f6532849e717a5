{% from "analytics/sql/deltas.sql" import bought, places_of_event, session_of_event %}

{# What deltas count for: the one place that folding, reading and recounting share.

   A fact is so much of a metric, under a key, on the day of a moment. A visit is somebody's being there on a
   day, which counts once however often it happens. docs/analytics.md tells what is counted. #}

{# Facts of the relation `deltas`; days are those of `ledger.time_zone`. #}
{% macro facts(deltas, ledger) %}
SELECT delta.workspace_id, delta.node_id, fact.metric, fact.key,
       coalesce((fact.moment AT TIME ZONE ledger.time_zone)::date, DATE '0001-01-01') AS day,
       delta.weight * fact.value AS value
FROM {{ deltas }} AS delta CROSS JOIN {{ ledger }} AS ledger CROSS JOIN LATERAL (
    SELECT 'customers', delta.name, NULL::timestamptz, 1::numeric
    WHERE delta.subject = 'CUSTOMER'
    UNION ALL SELECT 'registrations', '', delta.registered_at, 1
    WHERE delta.subject = 'CUSTOMER'
    UNION ALL SELECT 'customers added', '', delta.registered_at, 1
    WHERE delta.subject IN ('CUSTOMER', 'RECORD')
    UNION ALL SELECT 'customers updated', '', delta.updated_at, 1
    WHERE delta.subject = 'CUSTOMER' AND delta.updated_at IS NOT NULL
    UNION ALL SELECT 'customers deleted', '', delta.happened_at, 1
    WHERE delta.subject = 'DELETION' AND delta.name = 'CUSTOMER'
    UNION ALL SELECT 'events deleted', '', delta.happened_at, 1
    WHERE delta.subject = 'DELETION' AND delta.name = 'EVENT'
    UNION ALL SELECT 'events', '', NULL, 1
    WHERE delta.subject = 'EVENT'
    UNION ALL SELECT 'event types', delta.name || ' ' || delta.context, delta.happened_at, 1
    WHERE delta.subject = 'EVENT'
    UNION ALL SELECT 'events added', '', delta.registered_at, 1
    WHERE delta.subject = 'EVENT'
    UNION ALL SELECT 'events updated', '', delta.updated_at, 1
    WHERE delta.subject = 'EVENT' AND delta.updated_at IS NOT NULL
    UNION ALL SELECT 'orders', delta.context, delta.happened_at, 1
    WHERE delta.order_type <> 'return'
    UNION ALL SELECT 'returns', delta.context, delta.happened_at, 1
    WHERE delta.order_type IN ('return', 'sale-return')
    UNION ALL SELECT 'spending', delta.context, delta.happened_at, delta.total
    WHERE delta.order_type IS NOT NULL
    UNION ALL SELECT 'revenue', delta.context, delta.happened_at, delta.revenue
    WHERE delta.order_type IS NOT NULL
    UNION ALL SELECT 'items', delta.context, delta.happened_at, delta.items
    WHERE delta.order_type IS NOT NULL
) AS fact (metric, key, moment, value)
{% endmacro %}

{# Visits in the relation `deltas`. #}
{% macro visits(deltas, ledger) %}
SELECT delta.workspace_id, delta.node_id, visit.metric, visit.key,
       (delta.happened_at AT TIME ZONE ledger.time_zone)::date AS day,
       visit.member, sum(delta.weight) AS times
FROM {{ deltas }} AS delta CROSS JOIN {{ ledger }} AS ledger CROSS JOIN LATERAL (
    SELECT 'buyers', delta.context, delta.person WHERE delta.order_type <> 'return'
    UNION ALL SELECT 'buyers', 'ALL', delta.person WHERE delta.order_type <> 'return'
    UNION ALL SELECT 'visitors', '', delta.person WHERE delta.context = 'WEB'
    UNION ALL SELECT 'sessions', '', delta.session WHERE delta.session IS NOT NULL
) AS visit (metric, key, member)
GROUP BY 1, 2, 3, 4, 5, 6
HAVING sum(delta.weight) <> 0
{% endmacro %}

{# By how many heads `visit`s change the count of a day, given who was there before. #}
{% macro changed_heads() %}
SELECT visit.workspace_id, visit.node_id, visit.metric, visit.key, visit.day,
       (coalesce(presence.times, 0) + visit.times > 0)::int
       - (coalesce(presence.times, 0) > 0)::int AS value
FROM visit LEFT JOIN analytics_presence AS presence
    ON presence.workspace_id = visit.workspace_id AND presence.node_id = visit.node_id
    AND presence.kind = visit.metric || ' ' || visit.key
    AND presence.day = visit.day AND presence.member = visit.member
{% endmacro %}

{# The same deltas as triggers note, of the rows as they stand: what the counters have to add up to. #}
{% macro raw_deltas() %}
SELECT workspace_id, node_id, 1 AS weight,
       CASE deleted WHEN 0 THEN 'CUSTOMER' ELSE 'RECORD' END AS subject,
       analytics_channel(base) AS name, NULL AS context, NULL::timestamptz AS happened_at,
       registered_at, CASE WHEN version > 1 THEN updated_at END AS updated_at,
       NULL::uuid AS person, NULL::uuid AS session, NULL AS order_type,
       NULL::numeric AS total, NULL::numeric AS revenue, NULL::numeric AS items
FROM customers_customer WHERE workspace_id = :workspace_id
UNION ALL
SELECT workspace_id, node_id, 1, 'DELETION', entity, NULL, changed_at, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL, NULL
FROM customers_change
WHERE workspace_id = :workspace_id AND operation = 'DELETE' AND NOT is_duplicate
UNION ALL
SELECT event.workspace_id, place.node_id, 1, 'EVENT', event.type, event.context, event.date,
       event.registered_at, CASE WHEN event.version > 1 THEN event.updated_at END,
       place.person, {{ session_of_event() }},
       bought.order_type, bought.total, bought.revenue, bought.items
FROM events_event AS event
CROSS JOIN LATERAL ({{ places_of_event() }}) AS place (node_id, person)
LEFT JOIN LATERAL ({{ bought() }}) AS bought ON TRUE
WHERE event.workspace_id = :workspace_id
{% endmacro %}
