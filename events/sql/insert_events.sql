{% from "customers/sql/change_feed.sql" import note_changes %}
-- Events go in if their node is open, and their customer is there and still has what was judged. Nodes and
-- customers are held against whoever closes or deletes them, in the order of their ids; events are in the
-- same order for everybody, so that those who wait for each other's external ids never do so in a circle.
WITH given AS (
    SELECT * FROM unnest(
        :ids::uuid[], :nodes::uuid[], :customers::uuid[], :customer_versions::int[],
        :bring_back_types::text[], :bring_back_values::text[], :types::text[],
        :contexts::text[], :properties::text[], :context_infos::text[],
        :trackings::text[], :dates::timestamptz[], :external_ids::text[],
        :body_digests::bytea[]
    ) AS given (id, node_id, customer_id, customer_version, bring_back_type, bring_back_value,
                type, context, properties, context_info, tracking, date, external_id, body_digest)
),
node AS MATERIALIZED (
    SELECT id FROM configuration_node
    WHERE workspace_id = :workspace_id AND id IN (SELECT node_id FROM given)
      AND removed_at IS NULL AND state = 'ACTIVE'
    ORDER BY id FOR KEY SHARE
),
customer AS MATERIALIZED (
    SELECT id, version FROM customers_customer
    WHERE workspace_id = :workspace_id AND deleted = 0
      AND id IN (SELECT customer_id FROM given)
    ORDER BY id FOR KEY SHARE
),
event AS (
    INSERT INTO events_event
        (id, workspace_id, node_id, customer_id, bring_back_type, bring_back_value, type, context,
         properties, context_info, tracking, date, origin, version, registered_at, updated_at,
         registered_by, external_id, body_digest)
    SELECT given.id, :workspace_id, given.node_id, given.customer_id, bring_back_type,
           bring_back_value, type, context, properties::jsonb, context_info::jsonb,
           tracking::jsonb, date, 'NATIVE', 1, moment.now, moment.now, :author, external_id,
           body_digest
    FROM given
    JOIN node ON node.id = given.node_id
    LEFT JOIN customer ON customer.id = given.customer_id
    CROSS JOIN (SELECT date_trunc('milliseconds', clock_timestamp()) AS now) AS moment
    WHERE (given.customer_id IS NULL OR customer.id IS NOT NULL)
      AND (given.customer_version IS NULL OR customer.version = given.customer_version)
    ORDER BY given.external_id, given.node_id, given.type, given.id
{% if once is defined %}
    -- A second event of a node and type under one external id does not go in.
    ON CONFLICT (workspace_id, node_id, external_id, type) WHERE external_id IS NOT NULL
    DO NOTHING
{% endif %}
    RETURNING id, workspace_id, node_id, registered_at
),
change AS (
    {{ note_changes("event ORDER BY id", "EVENT", "CREATE", at="registered_at") }}
)
SELECT array_agg(id) FROM event
