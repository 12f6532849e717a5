{% from "customers/sql/change_feed.sql" import note_changes %}
-- One event of a customer about whom nothing else has to be asked: half the price of insert_events.sql, most
-- of which is planning for arrays of any length. Inserts nothing when anything stands against it.
WITH customer AS (
    SELECT id, node_id FROM customers_customer
    WHERE id = :customer_id AND workspace_id = :workspace_id AND deleted = 0 AND enabled
      AND (:nodes::uuid[] IS NULL OR node_id = ANY(:nodes::uuid[]))
    FOR KEY SHARE
),
node AS (
    SELECT id FROM configuration_node
    WHERE id = (SELECT node_id FROM customer) AND workspace_id = :workspace_id
      AND removed_at IS NULL AND state = 'ACTIVE'
    FOR KEY SHARE
),
event AS (
    INSERT INTO events_event
        (id, workspace_id, node_id, customer_id, type, context, properties, context_info, tracking,
         date, origin, version, registered_at, updated_at, registered_by, external_id, body_digest)
    SELECT :id, :workspace_id, node.id, customer.id, :type, :context,
           :properties::jsonb, :context_info::jsonb, :tracking::jsonb, :date,
           'NATIVE', 1, moment.now, moment.now, :author, :external_id, :body_digest
    FROM customer, node,
         (SELECT date_trunc('milliseconds', clock_timestamp()) AS now) AS moment
{% if once is defined %}
    -- A second event of a node and type under one external id does not go in.
    ON CONFLICT (workspace_id, node_id, external_id, type) WHERE external_id IS NOT NULL
    DO NOTHING
{% endif %}
    RETURNING id, workspace_id, node_id, registered_at
),
change AS (
    {{ note_changes("event", "EVENT", "CREATE", at="registered_at") }}
)
SELECT id FROM event
