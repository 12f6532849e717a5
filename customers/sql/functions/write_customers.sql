{% from "customers/sql/customer_row.sql" import row_as_json %}

{# Rows of a set: `customers.actions.writes.CustomerWrite`. #}
{% macro rows_of(set) %}
json_to_recordset({{ set }}) AS given (
            id uuid, round int, guard int, node_id uuid, version int, match_key bytea, deleted smallint,
            external_id text, enabled boolean, extra text, base jsonb, consents jsonb, extended jsonb,
            tags jsonb, registered_at timestamptz, registered_by text, updated_by text, source_id uuid,
            user_id bigint, appears text, log json
        )
{%- endmacro %}

{# Rows of a set whose node is open and for whose external id nothing waits. #}
{% macro admitted(set) %}
SELECT given.* FROM {{ rows_of(set) }}
        WHERE (given.guard IS NULL OR given.guard = ANY(open_guards)) AND given.id <> ALL(awaited)
{%- endmacro %}

{# CTEs after `customer`: its changes, pending merges and lines in the consent log. #}
{% macro recorded(operation) %}
change AS (
        INSERT INTO customers_change (workspace_id, node_id, entity, entity_id, operation, changed_at)
        SELECT customer.workspace_id, customer.node_id, 'CUSTOMER', customer.id, {{ operation }},
               customer.updated_at
        FROM customer ORDER BY customer.id
    ),
    pending AS (
        INSERT INTO customers_pendingmerge (workspace_id, entry_id)
        SELECT customer.workspace_id, customer.id
        FROM customer JOIN configuration_node AS node ON node.id = customer.node_id
        WHERE node.is_aggregated
    ),
    logged AS (
        INSERT INTO customers_consentlogentry
            (workspace_id, node_id, customer_id, match_key, date, type, property, value, source_id, user_id)
        SELECT customer.workspace_id, customer.node_id, customer.id, customer.match_key,
               customer.updated_at, line.type, line.property, line.value, given.source_id, given.user_id
        FROM customer JOIN given ON given.id = customer.id
        CROSS JOIN LATERAL ROWS FROM (
            json_to_recordset(given.log) AS (type text, property text, value text)
        ) WITH ORDINALITY AS line (type, property, value, number)
        ORDER BY customer.id, line.number
    )
    SELECT 'WRITTEN', customer.id, customer.round, customer.int_id, customer.version,
           customer.updated_at, NULL::text
    FROM customer
{%- endmacro %}

{% macro hold(strength) %}
SELECT coalesce(array_agg(one.id), '{}') INTO held FROM (
            SELECT stored.id FROM customers_customer AS stored
            WHERE stored.id = ANY(ARRAY(SELECT given.id FROM {{ rows_of("changes") }}))
              AND stored.workspace_id = of_workspace AND stored.deleted = 0
            ORDER BY stored.id FOR {{ strength }}
        ) AS one;
{%- endmacro %}

-- A set of writes to the customers of one workspace: new ones (`creates`) and changes of those that are
-- there (`changes`, of which one with `deleted` = 1 ends a customer), each with its row of the change feed,
-- its pending merge and its lines in the consent log. One row more or less hinders no other; what
-- becomes of each is told:
--
--   WRITTEN   with its integer id, version and time
--   MERGE     a new one that its node has already; `known` is the row that is there
--   CONFLICT  a change that would make it the same person as the customer whose row is `known`
--   STALE     a change of another version than there is (`known`, null when it is gone), or, unless
--             `may_wait`, of a row that somebody holds
--   NOT_OPEN  its node is gone, locked, or recognises customers otherwise than the writer thinks
--   AWAITED   something waits for its external id, about which rules decide that are not in SQL: to be
--             written in a transaction that sees to that (`customers.actions.identity_locks`)
--
-- Rows that were written come first; when some were not, all rows come again as if none had been,
-- against what there is after the set.
--
-- Locks are taken in the order that all writers follow: clients' ids (`slots`, in order), nodes by id,
-- customers by id, new keys in order. Unless `may_wait`, a customer that is held by somebody else is
-- left alone, and any other wait ends soon with an error for the whole set. The change feed draws its
-- numbers after the rows are held, so each customer's changes keep their order.
--
-- `guards` are what the writers believe of nodes: {number, node_id, unique_properties, case_sensitive}.
-- Rows without `guard` (of aggregate nodes) ask nothing of their node. Changes of one customer in one set
-- stand in `round`s, from 0 to `last_round`.
CREATE OR REPLACE FUNCTION customers_write(
    of_workspace uuid, guards json, slots int[], creates json, changes json, last_round int,
    may_wait boolean, deletes boolean
)
RETURNS TABLE (
    outcome text, customer_id uuid, in_round int, int_id bigint, version int, written_at timestamptz,
    known text
)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    open_guards int[];
    awaited uuid[] := '{}';
    held uuid[];
    moment timestamptz;
    rows_written int;
    rows_left int := 0;
BEGIN
    IF NOT may_wait THEN
        PERFORM set_config('lock_timeout', '250ms', TRUE);
    END IF;
    IF slots <> '{}' THEN
        PERFORM pg_advisory_xact_lock({{ 0x6964656E }}, slot) FROM unnest(slots) AS slot;
    END IF;
    SELECT coalesce(array_agg(guard.number), '{}') INTO open_guards
    FROM json_to_recordset(guards) AS guard (
        number int, node_id uuid, unique_properties text[], case_sensitive boolean
    )
    JOIN (
        SELECT node.id, node.unique_properties::text[] AS unique_properties, node.case_sensitive
        FROM configuration_node AS node
        WHERE node.id = ANY(ARRAY(SELECT one.node_id FROM json_to_recordset(guards) AS one (node_id uuid)))
          AND node.workspace_id = of_workspace AND node.removed_at IS NULL AND node.state = 'ACTIVE'
        ORDER BY node.id FOR KEY SHARE
    ) AS node
        ON node.id = guard.node_id AND node.unique_properties = guard.unique_properties
        AND node.case_sensitive = guard.case_sensitive;
    IF slots <> '{}' THEN
        SELECT coalesce(array_agg(one.id), '{}') INTO awaited FROM (
            SELECT given.id, given.node_id, given.appears FROM {{ rows_of("creates") }}
            UNION ALL SELECT given.id, given.node_id, given.appears FROM {{ rows_of("changes") }}
        ) AS one
        WHERE one.appears IS NOT NULL AND customers_is_awaited(of_workspace, one.node_id, one.appears);
        RETURN QUERY SELECT 'AWAITED', one, 0, NULL::bigint, NULL::int, NULL::timestamptz, NULL::text
        FROM unnest(awaited) AS one;
    END IF;

    IF changes IS NOT NULL THEN
        IF NOT may_wait THEN
            {{ hold("NO KEY UPDATE SKIP LOCKED") }}
        ELSIF deletes THEN
            {{ hold("UPDATE") }}
        ELSE
            {{ hold("NO KEY UPDATE") }}
        END IF;
        rows_left := json_array_length(changes);
        FOR this_round IN 0..last_round LOOP
            RETURN QUERY
            WITH given AS MATERIALIZED (
                {{ admitted("changes") }} AND given.id = ANY(held) AND given.round = this_round
            ),
            customer AS (
                UPDATE customers_customer AS stored
                SET deleted = given.deleted, match_key = given.match_key,
                    external_id = CASE given.deleted WHEN 0 THEN given.external_id
                                       ELSE stored.external_id END,
                    enabled = CASE given.deleted WHEN 0 THEN given.enabled ELSE stored.enabled END,
                    extra = CASE given.deleted WHEN 0 THEN given.extra ELSE stored.extra END,
                    base = coalesce(given.base, stored.base),
                    consents = coalesce(given.consents, stored.consents),
                    extended = coalesce(given.extended, stored.extended),
                    tags = coalesce(given.tags, stored.tags),
                    registered_at = coalesce(given.registered_at, stored.registered_at),
                    registered_by = CASE WHEN given.registered_at IS NULL THEN stored.registered_by
                                         ELSE given.registered_by END,
                    updated_by = given.updated_by, version = stored.version + 1,
                    updated_at = date_trunc('milliseconds', clock_timestamp())
                FROM given
                WHERE stored.id = given.id AND stored.workspace_id = of_workspace AND stored.deleted = 0
                  AND (given.version IS NULL OR stored.version = given.version)
                  AND (given.match_key IS NULL OR stored.match_key = given.match_key OR NOT EXISTS (
                      SELECT FROM customers_customer AS other
                      WHERE other.node_id = stored.node_id AND other.match_key = given.match_key
                        AND other.deleted = 0
                  ))
                RETURNING stored.id, stored.workspace_id, stored.node_id, stored.match_key, stored.deleted,
                          stored.updated_at, stored.int_id, stored.version, given.round
            ),
            {{ recorded("CASE customer.deleted WHEN 0 THEN 'UPDATE' ELSE 'DELETE' END") }};
            GET DIAGNOSTICS rows_written = ROW_COUNT;
            rows_left := rows_left - rows_written;
        END LOOP;
        IF deletes THEN
            DELETE FROM customers_session AS session
            USING customers_customer AS gone
            WHERE session.customer_id = ANY(held) AND gone.id = session.customer_id AND gone.deleted <> 0;
        END IF;
    END IF;

    IF creates IS NOT NULL THEN
        moment := date_trunc('milliseconds', clock_timestamp());
        RETURN QUERY
        WITH given AS MATERIALIZED (
            {{ admitted("creates") }}
        ),
        inserted AS (
            INSERT INTO customers_customer
                (id, workspace_id, node_id, external_id, enabled, version, deleted, registered_at, updated_at,
                 match_key, base, consents, extended, tags, extra, registered_by, updated_by)
            SELECT given.id, of_workspace, given.node_id, given.external_id, given.enabled, 1, 0,
                   coalesce(given.registered_at, moment), moment, given.match_key, given.base,
                   given.consents, given.extended, given.tags, given.extra, given.registered_by,
                   given.updated_by
            FROM given ORDER BY given.match_key
            ON CONFLICT (node_id, match_key) WHERE deleted = 0 DO NOTHING
            RETURNING id, workspace_id, node_id, match_key, updated_at, int_id, version
        ),
        customer AS (SELECT inserted.*, 0 AS round FROM inserted),
        {{ recorded("'CREATE'") }};
        GET DIAGNOSTICS rows_written = ROW_COUNT;
        rows_left := rows_left + json_array_length(creates) - rows_written;
    END IF;

    IF rows_left = 0 THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT CASE WHEN given.guard <> ALL(open_guards) THEN 'NOT_OPEN'
                WHEN same.id IS NULL THEN 'STALE' ELSE 'MERGE' END,
           given.id, given.round, NULL::bigint, NULL::int, NULL::timestamptz, {{ row_as_json("same") }}
    FROM {{ rows_of("creates") }}
    LEFT JOIN customers_customer AS same
        ON same.node_id = given.node_id AND same.match_key = given.match_key AND same.deleted = 0
        AND same.workspace_id = of_workspace;
    RETURN QUERY
    SELECT CASE WHEN given.guard <> ALL(open_guards) THEN 'NOT_OPEN'
                WHEN other.id IS NULL THEN 'STALE' ELSE 'CONFLICT' END,
           given.id, given.round, NULL::bigint, NULL::int, NULL::timestamptz,
           CASE WHEN other.id IS NOT NULL THEN {{ row_as_json("other") }}
                WHEN stored.id IS NOT NULL THEN {{ row_as_json("stored") }} END
    FROM {{ rows_of("changes") }}
    LEFT JOIN customers_customer AS stored
        ON stored.id = given.id AND stored.workspace_id = of_workspace AND stored.deleted = 0
    LEFT JOIN customers_customer AS other
        ON other.node_id = stored.node_id AND other.match_key = given.match_key AND other.deleted = 0
        AND other.id <> stored.id AND stored.id = ANY(held)
        AND (given.version IS NULL OR stored.version = given.version);
END $$;
