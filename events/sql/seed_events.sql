{% from "customers/sql/change_feed.sql" import note_changes %}
-- Kinds of events by how often they are drawn: out of 20.
WITH customer AS MATERIALIZED (
    SELECT array_agg(id) AS ids FROM (
        SELECT id FROM customers_customer
        WHERE workspace_id = :workspace_id AND node_id = :node_id AND deleted = 0
        LIMIT 100000
    ) AS known
),
drawn AS MATERIALIZED (
    SELECT ids[1 + floor(random() * cardinality(ids))::int] AS customer_id,
           floor(random() * 20)::int AS kind, floor(random() * 1000)::int AS number,
           date_trunc('milliseconds', now() - random() * :days * interval '1 day') AS date
    FROM customer, generate_series(1, :count)
),
event AS (
    INSERT INTO events_event
        (id, workspace_id, node_id, customer_id, type, context, properties, context_info, date,
         origin, version, registered_at, updated_at, registered_by)
    SELECT gen_random_uuid(), :workspace_id, :node_id, customer_id,
           CASE WHEN kind < 9 THEN 'viewedPage' WHEN kind < 14 THEN 'viewedProduct'
                WHEN kind < 16 THEN 'campaignOpened' WHEN kind < 18 THEN 'loggedIn'
                WHEN kind < 19 THEN 'addedProduct' ELSE 'completedOrder' END,
           CASE WHEN kind < 9 THEN 'WEB' WHEN kind < 14 THEN 'ECOMMERCE'
                WHEN kind < 16 THEN 'DIGITAL_CAMPAIGN' WHEN kind < 18 THEN 'WEB'
                ELSE 'ECOMMERCE' END,
           CASE WHEN kind < 9
                THEN jsonb_build_object('url', 'https://shop.example/page/' || number)
                WHEN kind < 14 OR kind = 18
                THEN jsonb_build_object('id', 'P' || number, 'name', 'Product ' || number,
                                        'price', number / 10.0)
                WHEN kind < 16 THEN jsonb_build_object('campaignId', 'C' || number)
                WHEN kind < 18 THEN '{}'
                ELSE jsonb_build_object('orderId', 'O' || number, 'type', 'sale',
                                        'amount', jsonb_build_object('total', number / 5.0)) END,
           '{}', date, 'NATIVE', 1, now(), now(), 'seed'
    FROM drawn WHERE customer_id IS NOT NULL
    RETURNING id, workspace_id, node_id
)
{{ note_changes("event", "EVENT", "CREATE", at="statement_timestamp()") }}
