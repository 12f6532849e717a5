-- A set of writes to the events of one workspace: new ones (`creates`) and changes of those that are there
-- (`changes`, of which one with `is_deleted` removes an event), each with its row of the change feed. One
-- row more or less hinders no other; what becomes of each is told:
--
--   WRITTEN   with its version
--   EXISTS    another event of the node and type has its external id
--   STALE     its customer is gone, disabled, of another version than was judged, or in a node that is not
--             among `nodes`; unless `may_wait` also when somebody is about to delete the customer. Of a
--             change: the event is gone, or has another version
--   NOT_OPEN  its node is gone or locked
--
-- Rows that were written come first; when some were not, all rows come again as if none had been, against
-- what there is after the set.
--
-- An event without `node_id` goes to the node of its customer. Locks are taken in the order that all
-- writers follow: nodes by id, customers by id, events; new external ids in order, so that those who wait
-- for each other's never do so in a circle. Unless `may_wait`, waiting ends soon with an error for the
-- whole set.
CREATE OR REPLACE FUNCTION events_write(
    of_workspace uuid, creates json, changes json, may_wait boolean
)
RETURNS TABLE (outcome text, event_id uuid, version int)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    named_nodes uuid[];
    named_customers uuid[];
    open_nodes uuid[];
    held uuid[];
    moment timestamptz;
    rows_written int;
    rows_left int := 0;
BEGIN
    IF NOT may_wait THEN
        PERFORM set_config('lock_timeout', '250ms', TRUE);
    END IF;
    SELECT array_agg(DISTINCT given.node_id), array_agg(DISTINCT given.customer_id)
    INTO named_nodes, named_customers
    FROM json_to_recordset(creates) AS given (node_id uuid, customer_id uuid);
    SELECT coalesce(array_agg(one.id), '{}') INTO open_nodes FROM (
        SELECT node.id FROM configuration_node AS node
        WHERE node.id = ANY(ARRAY(
            SELECT unnest(named_nodes)
            UNION SELECT customer.node_id FROM customers_customer AS customer
            WHERE customer.id = ANY(named_customers) AND customer.workspace_id = of_workspace
            UNION SELECT event.node_id FROM events_event AS event
            WHERE event.id = ANY(ARRAY(SELECT given.id FROM json_to_recordset(changes) AS given (id uuid)))
              AND event.workspace_id = of_workspace
        )) AND node.workspace_id = of_workspace AND node.removed_at IS NULL AND node.state = 'ACTIVE'
        ORDER BY node.id FOR KEY SHARE
    ) AS one;
    moment := date_trunc('milliseconds', clock_timestamp());

    IF changes IS NOT NULL THEN
        rows_left := json_array_length(changes);
        PERFORM FROM events_event AS event
        WHERE event.id = ANY(ARRAY(SELECT given.id FROM json_to_recordset(changes) AS given (id uuid))) AND event.workspace_id = of_workspace
        ORDER BY event.id FOR UPDATE;
        RETURN QUERY
        WITH event AS (
            DELETE FROM events_event AS stored USING json_to_recordset(changes) AS given (
            id uuid, node_id uuid, nodes uuid[], customer_id uuid, customer_version int,
            bring_back_type text, bring_back_value text, type text, context text, properties jsonb,
            context_info jsonb, tracking jsonb, date timestamptz, external_id text, body_digest bytea,
            registered_by text, version int, is_deleted boolean
        )
            WHERE stored.id = given.id AND stored.workspace_id = of_workspace AND given.is_deleted
              AND (given.version IS NULL OR stored.version = given.version)
              AND stored.node_id = ANY(open_nodes)
            RETURNING stored.id, stored.workspace_id, stored.node_id, stored.version
        ),
        change AS (
            INSERT INTO customers_change (workspace_id, node_id, entity, entity_id, operation, changed_at)
        SELECT event.workspace_id, event.node_id, 'EVENT', event.id, 'DELETE', clock_timestamp()
        FROM event ORDER BY event.id
        )
        SELECT 'WRITTEN', event.id, event.version FROM event;
        GET DIAGNOSTICS rows_written = ROW_COUNT;
        rows_left := rows_left - rows_written;
        RETURN QUERY
        WITH event AS (
            UPDATE events_event AS stored
            SET context = given.context, properties = given.properties, context_info = given.context_info,
                tracking = given.tracking, date = given.date, external_id = given.external_id,
                version = stored.version + 1, updated_at = date_trunc('milliseconds', clock_timestamp())
            FROM json_to_recordset(changes) AS given (
            id uuid, node_id uuid, nodes uuid[], customer_id uuid, customer_version int,
            bring_back_type text, bring_back_value text, type text, context text, properties jsonb,
            context_info jsonb, tracking jsonb, date timestamptz, external_id text, body_digest bytea,
            registered_by text, version int, is_deleted boolean
        )
            WHERE stored.id = given.id AND stored.workspace_id = of_workspace
              AND given.is_deleted IS NOT TRUE
              AND (given.version IS NULL OR stored.version = given.version)
              AND stored.node_id = ANY(open_nodes)
              AND (given.external_id IS NULL OR stored.external_id = given.external_id OR NOT EXISTS (
                  SELECT FROM events_event AS other
                  WHERE other.workspace_id = of_workspace AND other.node_id = stored.node_id
                    AND other.external_id = given.external_id AND other.type = stored.type
              ))
            RETURNING stored.id, stored.workspace_id, stored.node_id, stored.version, stored.updated_at
        ),
        change AS (
            INSERT INTO customers_change (workspace_id, node_id, entity, entity_id, operation, changed_at)
        SELECT event.workspace_id, event.node_id, 'EVENT', event.id, 'UPDATE', event.updated_at
        FROM event ORDER BY event.id
        )
        SELECT 'WRITTEN', event.id, event.version FROM event;
        GET DIAGNOSTICS rows_written = ROW_COUNT;
        rows_left := rows_left - rows_written;
    END IF;

    IF creates IS NOT NULL THEN
        IF may_wait THEN
            SELECT coalesce(array_agg(one.id), '{}') INTO held FROM (
            SELECT stored.id FROM customers_customer AS stored
            WHERE stored.id = ANY(ARRAY(SELECT unnest(named_customers)))
              AND stored.workspace_id = of_workspace AND stored.deleted = 0 AND stored.enabled
            ORDER BY stored.id FOR KEY SHARE
        ) AS one;
        ELSE
            SELECT coalesce(array_agg(one.id), '{}') INTO held FROM (
            SELECT stored.id FROM customers_customer AS stored
            WHERE stored.id = ANY(ARRAY(SELECT unnest(named_customers)))
              AND stored.workspace_id = of_workspace AND stored.deleted = 0 AND stored.enabled
            ORDER BY stored.id FOR KEY SHARE SKIP LOCKED
        ) AS one;
        END IF;
        RETURN QUERY
        WITH customer AS MATERIALIZED (
            SELECT stored.id, stored.node_id, stored.version FROM customers_customer AS stored
            WHERE stored.workspace_id = of_workspace AND stored.id = ANY(held)
        ),
        event AS (
            INSERT INTO events_event
                (id, workspace_id, node_id, customer_id, bring_back_type, bring_back_value, type, context,
                 properties, context_info, tracking, date, origin, version, registered_at, updated_at,
                 registered_by, external_id, body_digest)
            SELECT given.id, of_workspace, coalesce(given.node_id, customer.node_id), given.customer_id,
                   given.bring_back_type, given.bring_back_value, given.type, given.context,
                   given.properties, given.context_info, given.tracking, given.date, 'NATIVE', 1, moment,
                   moment, given.registered_by, given.external_id, given.body_digest
            FROM json_to_recordset(creates) AS given (
            id uuid, node_id uuid, nodes uuid[], customer_id uuid, customer_version int,
            bring_back_type text, bring_back_value text, type text, context text, properties jsonb,
            context_info jsonb, tracking jsonb, date timestamptz, external_id text, body_digest bytea,
            registered_by text, version int, is_deleted boolean
        )
            LEFT JOIN customer ON customer.id = given.customer_id
            WHERE (given.customer_id IS NULL OR customer.id IS NOT NULL)
              AND (given.customer_version IS NULL OR customer.version = given.customer_version)
              AND (given.nodes IS NULL OR customer.node_id = ANY(given.nodes))
              AND coalesce(given.node_id, customer.node_id) = ANY(open_nodes)
            ORDER BY given.external_id, given.node_id, given.type, given.id
            ON CONFLICT (workspace_id, node_id, external_id, type) WHERE external_id IS NOT NULL
            DO NOTHING
            RETURNING id, workspace_id, node_id, registered_at, version
        ),
        change AS (
            INSERT INTO customers_change (workspace_id, node_id, entity, entity_id, operation, changed_at)
        SELECT event.workspace_id, event.node_id, 'EVENT', event.id, 'CREATE', event.registered_at
        FROM event ORDER BY event.id
        )
        SELECT 'WRITTEN', event.id, event.version FROM event;
        GET DIAGNOSTICS rows_written = ROW_COUNT;
        rows_left := rows_left + json_array_length(creates) - rows_written;
    END IF;

    IF rows_left = 0 THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT CASE WHEN given.customer_id IS NOT NULL AND (
                        customer.id IS NULL OR customer.version <> given.customer_version
                        OR customer.node_id <> ALL(given.nodes)
                    ) THEN 'STALE'
                WHEN coalesce(given.node_id, customer.node_id) <> ALL(open_nodes) THEN 'NOT_OPEN'
                ELSE 'EXISTS' END,
           given.id, NULL::int
    FROM json_to_recordset(creates) AS given (
            id uuid, node_id uuid, nodes uuid[], customer_id uuid, customer_version int,
            bring_back_type text, bring_back_value text, type text, context text, properties jsonb,
            context_info jsonb, tracking jsonb, date timestamptz, external_id text, body_digest bytea,
            registered_by text, version int, is_deleted boolean
        )
    LEFT JOIN customers_customer AS customer
        ON customer.workspace_id = of_workspace AND customer.id = given.customer_id
        AND customer.id = ANY(held);
    RETURN QUERY
    SELECT CASE WHEN stored.id IS NULL OR stored.version <> given.version THEN 'STALE'
                WHEN stored.node_id <> ALL(open_nodes) THEN 'NOT_OPEN' ELSE 'EXISTS' END,
           given.id, NULL::int
    FROM json_to_recordset(changes) AS given (
            id uuid, node_id uuid, nodes uuid[], customer_id uuid, customer_version int,
            bring_back_type text, bring_back_value text, type text, context text, properties jsonb,
            context_info jsonb, tracking jsonb, date timestamptz, external_id text, body_digest bytea,
            registered_by text, version int, is_deleted boolean
        )
    LEFT JOIN events_event AS stored ON stored.id = given.id AND stored.workspace_id = of_workspace;
END $$;
