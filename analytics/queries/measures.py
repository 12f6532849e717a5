"""What deltas count for, as SQL: the one place that folding, reading and recounting share.

A fact is so much of a metric, under a key, on the day of a moment. A visit is somebody's being
there on a day, which counts once however often it happens. docs/analytics.md tells what is counted.
"""

from __future__ import annotations

# Metrics that are sums. The day of those without a moment is EVER.
CUSTOMERS = "customers"  # by channel
REGISTRATIONS = "registrations"
CUSTOMERS_ADDED = "customers added"
CUSTOMERS_UPDATED = "customers updated"
CUSTOMERS_DELETED = "customers deleted"
EVENTS = "events"
EVENT_TYPES = "event types"  # by "type context"
EVENTS_ADDED = "events added"
EVENTS_UPDATED = "events updated"
EVENTS_DELETED = "events deleted"
# Of orders, by context.
ORDERS = "orders"
RETURNS = "returns"
SPENDING = "spending"
REVENUE = "revenue"
ITEMS = "items"
# Metrics that count heads.
BUYERS = "buyers"  # by context, and by ALL
VISITORS = "visitors"
SESSIONS = "sessions"
HEADS = (BUYERS, VISITORS, SESSIONS)

# Whoever folds or recounts a workspace's counters holds this lock of it.
LOCK_CLASS = 0x666F6C64

EVER = "DATE '0001-01-01'"

# Of `delta`, whose days are those of `ledger.time_zone`.
FACTS = f"""
SELECT delta.workspace_id, delta.node_id, fact.metric, fact.key,
       coalesce((fact.moment AT TIME ZONE ledger.time_zone)::date, {EVER}) AS day,
       delta.weight * fact.value AS value
FROM {{deltas}} AS delta CROSS JOIN {{ledger}} AS ledger CROSS JOIN LATERAL (
    SELECT '{CUSTOMERS}', delta.name, NULL::timestamptz, 1::numeric
    WHERE delta.subject = 'CUSTOMER'
    UNION ALL SELECT '{REGISTRATIONS}', '', delta.registered_at, 1
    WHERE delta.subject = 'CUSTOMER'
    UNION ALL SELECT '{CUSTOMERS_ADDED}', '', delta.registered_at, 1
    WHERE delta.subject IN ('CUSTOMER', 'RECORD')
    UNION ALL SELECT '{CUSTOMERS_UPDATED}', '', delta.updated_at, 1
    WHERE delta.subject = 'CUSTOMER' AND delta.updated_at IS NOT NULL
    UNION ALL SELECT '{CUSTOMERS_DELETED}', '', delta.happened_at, 1
    WHERE delta.subject = 'DELETION' AND delta.name = 'CUSTOMER'
    UNION ALL SELECT '{EVENTS_DELETED}', '', delta.happened_at, 1
    WHERE delta.subject = 'DELETION' AND delta.name = 'EVENT'
    UNION ALL SELECT '{EVENTS}', '', NULL, 1
    WHERE delta.subject = 'EVENT'
    UNION ALL SELECT '{EVENT_TYPES}', delta.name || ' ' || delta.context, delta.happened_at, 1
    WHERE delta.subject = 'EVENT'
    UNION ALL SELECT '{EVENTS_ADDED}', '', delta.registered_at, 1
    WHERE delta.subject = 'EVENT'
    UNION ALL SELECT '{EVENTS_UPDATED}', '', delta.updated_at, 1
    WHERE delta.subject = 'EVENT' AND delta.updated_at IS NOT NULL
    UNION ALL SELECT '{ORDERS}', delta.context, delta.happened_at, 1
    WHERE delta.order_type <> 'return'
    UNION ALL SELECT '{RETURNS}', delta.context, delta.happened_at, 1
    WHERE delta.order_type IN ('return', 'sale-return')
    UNION ALL SELECT '{SPENDING}', delta.context, delta.happened_at, delta.total
    WHERE delta.order_type IS NOT NULL
    UNION ALL SELECT '{REVENUE}', delta.context, delta.happened_at, delta.revenue
    WHERE delta.order_type IS NOT NULL
    UNION ALL SELECT '{ITEMS}', delta.context, delta.happened_at, delta.items
    WHERE delta.order_type IS NOT NULL
) AS fact (metric, key, moment, value)
"""
VISITS = f"""
SELECT delta.workspace_id, delta.node_id, visit.metric, visit.key,
       (delta.happened_at AT TIME ZONE ledger.time_zone)::date AS day,
       visit.member, sum(delta.weight) AS times
FROM {{deltas}} AS delta CROSS JOIN {{ledger}} AS ledger CROSS JOIN LATERAL (
    SELECT '{BUYERS}', delta.context, delta.person WHERE delta.order_type <> 'return'
    UNION ALL SELECT '{BUYERS}', 'ALL', delta.person WHERE delta.order_type <> 'return'
    UNION ALL SELECT '{VISITORS}', '', delta.person WHERE delta.context = 'WEB'
    UNION ALL SELECT '{SESSIONS}', '', delta.session WHERE delta.session IS NOT NULL
) AS visit (metric, key, member)
GROUP BY 1, 2, 3, 4, 5, 6
HAVING sum(delta.weight) <> 0
"""

# By how many heads `visit`s change the count of a day, given who was there before.
CHANGED_HEADS = """
SELECT visit.workspace_id, visit.node_id, visit.metric, visit.key, visit.day,
       (coalesce(presence.times, 0) + visit.times > 0)::int
       - (coalesce(presence.times, 0) > 0)::int AS value
FROM visit LEFT JOIN analytics_presence AS presence
    ON presence.workspace_id = visit.workspace_id AND presence.node_id = visit.node_id
    AND presence.kind = visit.metric || ' ' || visit.key
    AND presence.day = visit.day AND presence.member = visit.member
"""

# The same deltas as triggers note, of the rows as they stand: what the counters have to add up to.
RAW_DELTAS = """
SELECT workspace_id, node_id, 1 AS weight,
       CASE deleted WHEN 0 THEN 'CUSTOMER' ELSE 'RECORD' END AS subject,
       analytics_channel(base) AS name, NULL AS context, NULL::timestamptz AS happened_at,
       registered_at, CASE WHEN version > 1 THEN updated_at END AS updated_at,
       NULL::uuid AS person, NULL::uuid AS session, NULL AS order_type,
       NULL::numeric AS total, NULL::numeric AS revenue, NULL::numeric AS items
FROM customers_customer WHERE workspace_id = %(workspace_id)s
UNION ALL
SELECT workspace_id, node_id, 1, 'DELETION', entity, NULL, changed_at, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL, NULL
FROM customers_change WHERE workspace_id = %(workspace_id)s AND operation = 'DELETE'
UNION ALL
SELECT event.workspace_id, place.node_id, 1, 'EVENT', event.type, event.context, event.date,
       event.registered_at, CASE WHEN event.version > 1 THEN event.updated_at END,
       place.person,
       CASE WHEN event.context = 'WEB' AND event.bring_back_type = 'SESSION_ID'
            THEN md5(event.bring_back_value)::uuid END,
       bought.order_type, bought.total, bought.revenue, bought.items
FROM events_event AS event
CROSS JOIN LATERAL (
    SELECT event.node_id, coalesce(
        event.customer_id, analytics_stranger(event.bring_back_type, event.bring_back_value))
    UNION ALL
    SELECT member.aggregate_node_id, analytics_person(member.match_key)
    FROM customers_aggregatemember AS member WHERE member.entry_id = event.customer_id
) AS place (node_id, person)
LEFT JOIN LATERAL (
    SELECT coalesce(event.properties ->> 'type', 'sale') AS order_type,
           analytics_spent(event.properties, event.properties #> '{amount,total}') AS total,
           analytics_spent(event.properties, coalesce(
               event.properties #> '{amount,revenue}', event.properties #> '{amount,total}'
           )) AS revenue,
           analytics_items(event.properties) AS items
    WHERE event.type = 'completedOrder' AND event.context IN ('ECOMMERCE', 'RETAIL')
    OFFSET 0 -- a fence: without it sums are reckoned of every event, and then thrown away
) AS bought ON true
WHERE event.workspace_id = %(workspace_id)s
"""
