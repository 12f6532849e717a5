-- A set of writes to the customers of one workspace: new ones (`creates`) and changes of those that are
-- there (`changes`, of which one with `deleted` = 1 ends a customer), each with its row of the change feed,
-- its pending merge and its lines in the consent log. One row more or less hinders no other; what
-- becomes of each is told:
--
--   WRITTEN   with its integer id, version and time
--   MERGE     a new one that its node has already, if only under a key from before a merge; `known` is the
--             row that is there
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
-- `guards` are what the writers believe of nodes: {number, node_id, unique_properties, case_sensitive,
-- matching_rules}.
-- Rows of nodes with several matching rules have `keys`, of the rules after the first: null leaves them.
-- Others may have the same ones where the row says `may_share`. Rows without `guard` (of aggregate
-- nodes) ask nothing of their node. Changes of one customer in one set
-- stand in `round`s, from 0 to `last_round`.
CREATE OR REPLACE FUNCTION customers_write_keyed(
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
        PERFORM pg_advisory_xact_lock(1768187246, slot) FROM unnest(slots) AS slot;
    END IF;
    SELECT coalesce(array_agg(guard.number), '{}') INTO open_guards
    FROM json_to_recordset(guards) AS guard (
        number int, node_id uuid, unique_properties text[], case_sensitive boolean, matching_rules jsonb
    )
    JOIN (
        SELECT node.id, node.unique_properties::text[] AS unique_properties, node.case_sensitive,
               node.matching_rules
        FROM configuration_node AS node
        WHERE node.id = ANY(ARRAY(SELECT one.node_id FROM json_to_recordset(guards) AS one (node_id uuid)))
          AND node.workspace_id = of_workspace AND node.removed_at IS NULL AND node.state = 'ACTIVE'
        ORDER BY node.id FOR KEY SHARE
    ) AS node
        ON node.id = guard.node_id AND node.unique_properties = guard.unique_properties
        AND node.case_sensitive = guard.case_sensitive AND node.matching_rules = guard.matching_rules;
    IF slots <> '{}' THEN
        SELECT coalesce(array_agg(one.id), '{}') INTO awaited FROM (
            SELECT given.* FROM json_to_recordset(creates) AS given (id uuid, node_id uuid, appears text)
            UNION ALL SELECT given.* FROM json_to_recordset(changes) AS given (id uuid, node_id uuid, appears text)
        ) AS one
        WHERE one.appears IS NOT NULL AND customers_is_awaited(of_workspace, one.node_id, one.appears);
        RETURN QUERY SELECT 'AWAITED', one, 0, NULL::bigint, NULL::int, NULL::timestamptz, NULL::text
        FROM unnest(awaited) AS one;
    END IF;

    IF changes IS NOT NULL THEN
        IF NOT may_wait THEN
            SELECT coalesce(array_agg(one.id), '{}') INTO held FROM (
            SELECT stored.id FROM customers_customer AS stored
            WHERE stored.id = ANY(ARRAY(SELECT given.id FROM json_to_recordset(changes) AS given (id uuid)))
              AND stored.workspace_id = of_workspace AND stored.deleted = 0
            ORDER BY stored.id FOR NO KEY UPDATE SKIP LOCKED
        ) AS one;
        ELSIF deletes THEN
            SELECT coalesce(array_agg(one.id), '{}') INTO held FROM (
            SELECT stored.id FROM customers_customer AS stored
            WHERE stored.id = ANY(ARRAY(SELECT given.id FROM json_to_recordset(changes) AS given (id uuid)))
              AND stored.workspace_id = of_workspace AND stored.deleted = 0
            ORDER BY stored.id FOR UPDATE
        ) AS one;
        ELSE
            SELECT coalesce(array_agg(one.id), '{}') INTO held FROM (
            SELECT stored.id FROM customers_customer AS stored
            WHERE stored.id = ANY(ARRAY(SELECT given.id FROM json_to_recordset(changes) AS given (id uuid)))
              AND stored.workspace_id = of_workspace AND stored.deleted = 0
            ORDER BY stored.id FOR NO KEY UPDATE
        ) AS one;
        END IF;
        rows_left := json_array_length(changes);
        FOR this_round IN 0..last_round LOOP
            RETURN QUERY
            WITH given AS MATERIALIZED (
                SELECT given.* FROM json_to_recordset(changes) AS given (
            id uuid, round int, guard int, node_id uuid, version int, match_key bytea, deleted smallint,
            external_id text, enabled boolean, extra text, base jsonb, consents jsonb, extended jsonb,
            tags jsonb, registered_at timestamptz, registered_by text, updated_by text, source_id uuid,
            user_id bigint, appears text, log json, history jsonb, history_after jsonb, cause text, merge_id uuid,
            changed_paths text[], keys json, may_share boolean
        )
        WHERE (given.guard IS NULL OR given.guard = ANY(open_guards)) AND given.id <> ALL(awaited) AND given.id = ANY(held) AND given.round = this_round
            ),
            customer AS (
                UPDATE customers_customer AS stored
                SET deleted = given.deleted, match_key = given.match_key,
                    former_key = CASE given.deleted WHEN 0 THEN NULL ELSE stored.match_key END,
                    former_keys = CASE WHEN given.deleted <> 0 THEN (
                        SELECT array_agg(own.key) FROM customers_matchingkey AS own
                        WHERE own.workspace_id = of_workspace AND own.customer_id = stored.id
                    ) END,
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
                      WHERE other.workspace_id = of_workspace
                        AND other.node_id = stored.node_id AND other.match_key = given.match_key
                        AND other.deleted = 0
                  ))
                  AND NOT EXISTS (SELECT claim.customer_id FROM json_to_recordset(given.keys) AS asked (rule int, key bytea)
                      JOIN customers_matchingkey AS claim
                          ON claim.workspace_id = of_workspace AND claim.node_id = stored.node_id
                          AND claim.key = asked.key AND claim.customer_id <> stored.id
                      WHERE NOT given.may_share AND NOT EXISTS (
                          SELECT FROM customers_matchingkey AS own
                          WHERE own.workspace_id = of_workspace AND own.customer_id = stored.id
                            AND own.key = asked.key
                      ))
                RETURNING stored.id, stored.workspace_id, stored.node_id, stored.match_key, stored.deleted,
                          stored.updated_at, stored.int_id, stored.version, given.round, given.changed_paths
            ),
            released AS (
                DELETE FROM customers_matchingkey AS former USING customer, given
                WHERE former.workspace_id = of_workspace AND former.customer_id = customer.id
                  AND given.id = customer.id AND given.keys IS NOT NULL AND NOT EXISTS (
                      SELECT FROM json_to_recordset(given.keys) AS asked (rule int, key bytea) WHERE asked.key = former.key
                  )
            ),
            change AS (
        INSERT INTO customers_change
            (workspace_id, node_id, entity, entity_id, operation, changed_at, changed_paths)
        SELECT customer.workspace_id, customer.node_id, 'CUSTOMER', customer.id, CASE customer.deleted WHEN 0 THEN 'UPDATE' ELSE 'DELETE' END,
               customer.updated_at, customer.changed_paths
        FROM customer ORDER BY customer.id
    ),
    pending AS (
        INSERT INTO customers_pendingmerge (workspace_id, entry_id)
        SELECT customer.workspace_id, customer.id
        FROM customer
        JOIN configuration_node AS node
            ON node.id = customer.node_id AND node.workspace_id = of_workspace
        WHERE node.is_aggregated
    ),
    history AS (
        INSERT INTO customers_valuechange
            (workspace_id, node_id, customer_id, version, changed_at, author, cause, merge_id, before,
             after)
        SELECT customer.workspace_id, customer.node_id, customer.id, customer.version,
               customer.updated_at, given.updated_by, given.cause, given.merge_id, given.history,
               given.history_after
        FROM customer JOIN given ON given.id = customer.id WHERE given.history IS NOT NULL
        ORDER BY customer.id
    ),
    claimed AS (
        INSERT INTO customers_matchingkey AS claim
            (workspace_id, node_id, customer_id, rule, key, holds, claimed_at)
        SELECT of_workspace, customer.node_id, customer.id, asked.rule, asked.key,
               row_number() OVER (PARTITION BY customer.node_id, asked.key ORDER BY customer.id) = 1 AND NOT EXISTS (
                   SELECT FROM customers_matchingkey AS other
                   WHERE other.workspace_id = of_workspace AND other.node_id = customer.node_id
                     AND other.key = asked.key AND other.customer_id <> customer.id
               ),
               clock_timestamp()
        FROM customer JOIN given ON given.id = customer.id
        CROSS JOIN LATERAL json_to_recordset(given.keys) AS asked (rule int, key bytea)
        WHERE NOT EXISTS (
            SELECT FROM customers_matchingkey AS own
            WHERE own.workspace_id = of_workspace AND own.customer_id = customer.id AND own.key = asked.key
        )
        RETURNING claim.node_id, claim.customer_id, claim.key, claim.holds
    ),
    noted AS (
        INSERT INTO customers_duplicatepair AS pair
            (workspace_id, id, node_id, first_id, second_id, score, reasons, found_at, state)
        SELECT of_workspace, gen_random_uuid(), shared.node_id, shared.first_id, shared.second_id, 1,
               '["SAME_IDENTITY"]', date_trunc('milliseconds', statement_timestamp()), 'OPEN'
        FROM (
            SELECT DISTINCT claimed.node_id, least(claimed.customer_id, holder.customer_id) AS first_id,
                   greatest(claimed.customer_id, holder.customer_id) AS second_id
            FROM claimed CROSS JOIN LATERAL (
                SELECT one.customer_id FROM (
                    SELECT stored.customer_id, NOT stored.holds AS rank, stored.claimed_at
                    FROM customers_matchingkey AS stored
                    WHERE stored.workspace_id = of_workspace AND stored.node_id = claimed.node_id
                      AND stored.key = claimed.key
                    UNION ALL
                    SELECT new.customer_id, NULL, NULL FROM claimed AS new
                    WHERE new.key = claimed.key AND new.node_id = claimed.node_id AND new.holds
                ) AS one WHERE one.customer_id <> claimed.customer_id
                ORDER BY one.rank NULLS LAST, one.claimed_at, one.customer_id LIMIT 1
            ) AS holder
            WHERE NOT claimed.holds
        ) AS shared
        ON CONFLICT (workspace_id, first_id, second_id) DO UPDATE
        SET score = excluded.score, reasons = excluded.reasons
        WHERE pair.state = 'OPEN'
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
    FROM customer;
            GET DIAGNOSTICS rows_written = ROW_COUNT;
            rows_left := rows_left - rows_written;
        END LOOP;
        IF deletes THEN
            -- Kept aside until the customer is restored or erased; others may have the values meanwhile.
            WITH session AS (
                DELETE FROM customers_session AS session
                USING customers_customer AS gone
                WHERE session.workspace_id = of_workspace AND session.customer_id = ANY(held)
                  AND gone.workspace_id = of_workspace AND gone.id = session.customer_id
                  AND gone.deleted <> 0
                RETURNING session.*
            )
            INSERT INTO customers_deletedsession
                (workspace_id, id, node_id, customer_id, value, registered_by)
            SELECT session.workspace_id, session.id, session.node_id, session.customer_id, session.value,
                   session.registered_by
            FROM session;
        END IF;
    END IF;

    IF creates IS NOT NULL THEN
        moment := date_trunc('milliseconds', clock_timestamp());
        RETURN QUERY
        WITH given AS MATERIALIZED (
            SELECT given.* FROM json_to_recordset(creates) AS given (
            id uuid, round int, guard int, node_id uuid, version int, match_key bytea, deleted smallint,
            external_id text, enabled boolean, extra text, base jsonb, consents jsonb, extended jsonb,
            tags jsonb, registered_at timestamptz, registered_by text, updated_by text, source_id uuid,
            user_id bigint, appears text, log json, history jsonb, history_after jsonb, cause text, merge_id uuid,
            changed_paths text[], keys json, may_share boolean
        )
        WHERE (given.guard IS NULL OR given.guard = ANY(open_guards)) AND given.id <> ALL(awaited)
        ),
        first_with_key AS MATERIALIZED (
            SELECT DISTINCT ON (given.node_id, own.key) given.node_id, own.key, given.id
            FROM given CROSS JOIN LATERAL json_to_recordset(given.keys) AS own (rule int, key bytea)
            ORDER BY given.node_id, own.key, given.id
        ),
        inserted AS (
            INSERT INTO customers_customer
                (id, workspace_id, node_id, external_id, enabled, version, deleted, registered_at, updated_at,
                 match_key, base, consents, extended, tags, extra, registered_by, updated_by)
            SELECT given.id, of_workspace, given.node_id, given.external_id, given.enabled, 1, 0,
                   coalesce(given.registered_at, moment), moment, given.match_key, given.base,
                   given.consents, given.extended, given.tags, given.extra, given.registered_by,
                   given.updated_by
            FROM given
            WHERE given.may_share AND NOT EXISTS (SELECT owner.id FROM customers_formeridentity AS former
                JOIN customers_customer AS owner
                    ON owner.workspace_id = of_workspace AND owner.id = former.current_id
                    AND owner.deleted = 0
                WHERE former.workspace_id = of_workspace AND former.node_id = given.node_id
                  AND former.match_key = given.match_key)
               OR NOT given.may_share AND NOT EXISTS (SELECT known.id FROM (
        SELECT own.id, 0 AS rule, 0 AS rank FROM customers_customer AS own
        WHERE own.workspace_id = of_workspace AND own.node_id = given.node_id
          AND own.match_key = given.match_key AND own.deleted = 0
        UNION ALL
        SELECT heir.id, 0, 1 FROM (SELECT owner.id FROM customers_formeridentity AS former
                JOIN customers_customer AS owner
                    ON owner.workspace_id = of_workspace AND owner.id = former.current_id
                    AND owner.deleted = 0
                WHERE former.workspace_id = of_workspace AND former.node_id = given.node_id
                  AND former.match_key = given.match_key) AS heir
        UNION ALL
        SELECT owner.id, asked.rule, 0
        FROM json_to_recordset(given.keys) AS asked (rule int, key bytea)
        CROSS JOIN LATERAL (
            SELECT one.customer_id FROM (
                SELECT claim.customer_id, NOT claim.holds AS rank, claim.claimed_at
                FROM customers_matchingkey AS claim
                WHERE claim.workspace_id = of_workspace AND claim.node_id = given.node_id
                  AND claim.key = asked.key
                UNION ALL
                SELECT former.current_id, NULL, NULL FROM customers_formeridentity AS former
                WHERE former.workspace_id = of_workspace AND former.node_id = given.node_id
                  AND former.match_key = asked.key
            ) AS one ORDER BY one.rank NULLS LAST, one.claimed_at, one.customer_id LIMIT 1
        ) AS found
        JOIN customers_customer AS owner
            ON owner.workspace_id = of_workspace AND owner.id = found.customer_id AND owner.deleted = 0
        WHERE (owner.match_key = given.match_key) IS NOT FALSE AND NOT EXISTS (
            SELECT FROM json_to_recordset(given.keys) AS earlier (rule int, key bytea)
            JOIN customers_matchingkey AS other
                ON other.workspace_id = of_workspace AND other.customer_id = owner.id
                AND other.rule = earlier.rule
            WHERE earlier.rule < asked.rule AND other.key <> earlier.key
        )
    ) AS known ORDER BY known.rule, known.rank LIMIT 1)
              AND NOT EXISTS (
                  SELECT FROM json_to_recordset(given.keys) AS own (rule int, key bytea) JOIN first_with_key ON first_with_key.key = own.key
                  WHERE first_with_key.node_id = given.node_id AND first_with_key.id < given.id
              )
            ORDER BY given.match_key
            ON CONFLICT (workspace_id, node_id, match_key) WHERE deleted = 0 DO NOTHING
            RETURNING id, workspace_id, node_id, match_key, updated_at, int_id, version
        ),
        customer AS (SELECT inserted.*, 0 AS round, NULL::text[] AS changed_paths FROM inserted),
        change AS (
        INSERT INTO customers_change
            (workspace_id, node_id, entity, entity_id, operation, changed_at, changed_paths)
        SELECT customer.workspace_id, customer.node_id, 'CUSTOMER', customer.id, 'CREATE',
               customer.updated_at, customer.changed_paths
        FROM customer ORDER BY customer.id
    ),
    pending AS (
        INSERT INTO customers_pendingmerge (workspace_id, entry_id)
        SELECT customer.workspace_id, customer.id
        FROM customer
        JOIN configuration_node AS node
            ON node.id = customer.node_id AND node.workspace_id = of_workspace
        WHERE node.is_aggregated
    ),
    history AS (
        INSERT INTO customers_valuechange
            (workspace_id, node_id, customer_id, version, changed_at, author, cause, merge_id, before,
             after)
        SELECT customer.workspace_id, customer.node_id, customer.id, customer.version,
               customer.updated_at, given.updated_by, given.cause, given.merge_id, given.history,
               given.history_after
        FROM customer JOIN given ON given.id = customer.id WHERE given.history IS NOT NULL
        ORDER BY customer.id
    ),
    claimed AS (
        INSERT INTO customers_matchingkey AS claim
            (workspace_id, node_id, customer_id, rule, key, holds, claimed_at)
        SELECT of_workspace, customer.node_id, customer.id, asked.rule, asked.key,
               row_number() OVER (PARTITION BY customer.node_id, asked.key ORDER BY customer.id) = 1 AND NOT EXISTS (
                   SELECT FROM customers_matchingkey AS other
                   WHERE other.workspace_id = of_workspace AND other.node_id = customer.node_id
                     AND other.key = asked.key AND other.customer_id <> customer.id
               ),
               clock_timestamp()
        FROM customer JOIN given ON given.id = customer.id
        CROSS JOIN LATERAL json_to_recordset(given.keys) AS asked (rule int, key bytea)
        WHERE NOT EXISTS (
            SELECT FROM customers_matchingkey AS own
            WHERE own.workspace_id = of_workspace AND own.customer_id = customer.id AND own.key = asked.key
        )
        RETURNING claim.node_id, claim.customer_id, claim.key, claim.holds
    ),
    noted AS (
        INSERT INTO customers_duplicatepair AS pair
            (workspace_id, id, node_id, first_id, second_id, score, reasons, found_at, state)
        SELECT of_workspace, gen_random_uuid(), shared.node_id, shared.first_id, shared.second_id, 1,
               '["SAME_IDENTITY"]', date_trunc('milliseconds', statement_timestamp()), 'OPEN'
        FROM (
            SELECT DISTINCT claimed.node_id, least(claimed.customer_id, holder.customer_id) AS first_id,
                   greatest(claimed.customer_id, holder.customer_id) AS second_id
            FROM claimed CROSS JOIN LATERAL (
                SELECT one.customer_id FROM (
                    SELECT stored.customer_id, NOT stored.holds AS rank, stored.claimed_at
                    FROM customers_matchingkey AS stored
                    WHERE stored.workspace_id = of_workspace AND stored.node_id = claimed.node_id
                      AND stored.key = claimed.key
                    UNION ALL
                    SELECT new.customer_id, NULL, NULL FROM claimed AS new
                    WHERE new.key = claimed.key AND new.node_id = claimed.node_id AND new.holds
                ) AS one WHERE one.customer_id <> claimed.customer_id
                ORDER BY one.rank NULLS LAST, one.claimed_at, one.customer_id LIMIT 1
            ) AS holder
            WHERE NOT claimed.holds
        ) AS shared
        ON CONFLICT (workspace_id, first_id, second_id) DO UPDATE
        SET score = excluded.score, reasons = excluded.reasons
        WHERE pair.state = 'OPEN'
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
    FROM customer;
        GET DIAGNOSTICS rows_written = ROW_COUNT;
        rows_left := rows_left + json_array_length(creates) - rows_written;
        -- Whoever waited for a merge that took away the customer with the key sees its new owner now.
        IF rows_written > 0 AND EXISTS (
            SELECT FROM (
                -- A fence: hardly any key has been taken over, so these are not joined for each row.
                SELECT given.id
                FROM json_to_recordset(creates) AS given (id uuid, node_id uuid, match_key bytea)
                WHERE EXISTS (SELECT owner.id FROM customers_formeridentity AS former
                JOIN customers_customer AS owner
                    ON owner.workspace_id = of_workspace AND owner.id = former.current_id
                    AND owner.deleted = 0
                WHERE former.workspace_id = of_workspace AND former.node_id = given.node_id
                  AND former.match_key = given.match_key)
                OFFSET 0
            ) AS taken_over
            JOIN customers_customer AS made
                ON made.workspace_id = of_workspace AND made.id = taken_over.id
        ) THEN
            RAISE unique_violation USING MESSAGE = 'the key has become another customer''s by a merge';
        END IF;
    END IF;

    -- Pairs that shared a key and no longer do.
    DELETE FROM customers_duplicatepair AS pair
    WHERE pair.workspace_id = of_workspace AND pair.state = 'OPEN'
      AND pair.reasons @> '["SAME_IDENTITY"]'
      AND (pair.first_id = ANY(held) OR pair.second_id = ANY(held)) AND NOT EXISTS (
          SELECT FROM customers_matchingkey AS one
          JOIN customers_matchingkey AS other
              ON other.workspace_id = of_workspace AND other.node_id = one.node_id AND other.key = one.key
          WHERE one.workspace_id = of_workspace AND one.customer_id = pair.first_id
            AND other.customer_id = pair.second_id
      );
    IF rows_left = 0 THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT CASE WHEN given.guard <> ALL(open_guards) THEN 'NOT_OPEN'
                WHEN same.id IS NULL THEN 'STALE' ELSE 'MERGE' END,
           given.id, given.round, NULL::bigint, NULL::int, NULL::timestamptz, json_build_array(
    same.id, same.int_id, same.external_id, same.node_id, same.base, same.consents,
    same.extended, same.extra, same.tags, same.enabled, to_char(same.registered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    to_char(same.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), same.version, same.deleted, same.registered_by, same.updated_by
)::text
    FROM json_to_recordset(creates) AS given (
            id uuid, round int, guard int, node_id uuid, version int, match_key bytea, deleted smallint,
            external_id text, enabled boolean, extra text, base jsonb, consents jsonb, extended jsonb,
            tags jsonb, registered_at timestamptz, registered_by text, updated_by text, source_id uuid,
            user_id bigint, appears text, log json, history jsonb, history_after jsonb, cause text, merge_id uuid,
            changed_paths text[], keys json, may_share boolean
        )
    LEFT JOIN LATERAL (SELECT known.id FROM (
        SELECT own.id, 0 AS rule, 0 AS rank FROM customers_customer AS own
        WHERE own.workspace_id = of_workspace AND own.node_id = given.node_id
          AND own.match_key = given.match_key AND own.deleted = 0
        UNION ALL
        SELECT heir.id, 0, 1 FROM (SELECT owner.id FROM customers_formeridentity AS former
                JOIN customers_customer AS owner
                    ON owner.workspace_id = of_workspace AND owner.id = former.current_id
                    AND owner.deleted = 0
                WHERE former.workspace_id = of_workspace AND former.node_id = given.node_id
                  AND former.match_key = given.match_key) AS heir
        UNION ALL
        SELECT owner.id, asked.rule, 0
        FROM json_to_recordset(given.keys) AS asked (rule int, key bytea)
        CROSS JOIN LATERAL (
            SELECT one.customer_id FROM (
                SELECT claim.customer_id, NOT claim.holds AS rank, claim.claimed_at
                FROM customers_matchingkey AS claim
                WHERE claim.workspace_id = of_workspace AND claim.node_id = given.node_id
                  AND claim.key = asked.key
                UNION ALL
                SELECT former.current_id, NULL, NULL FROM customers_formeridentity AS former
                WHERE former.workspace_id = of_workspace AND former.node_id = given.node_id
                  AND former.match_key = asked.key
            ) AS one ORDER BY one.rank NULLS LAST, one.claimed_at, one.customer_id LIMIT 1
        ) AS found
        JOIN customers_customer AS owner
            ON owner.workspace_id = of_workspace AND owner.id = found.customer_id AND owner.deleted = 0
        WHERE (owner.match_key = given.match_key) IS NOT FALSE AND NOT EXISTS (
            SELECT FROM json_to_recordset(given.keys) AS earlier (rule int, key bytea)
            JOIN customers_matchingkey AS other
                ON other.workspace_id = of_workspace AND other.customer_id = owner.id
                AND other.rule = earlier.rule
            WHERE earlier.rule < asked.rule AND other.key <> earlier.key
        )
    ) AS known ORDER BY known.rule, known.rank LIMIT 1) AS person ON TRUE
    LEFT JOIN customers_customer AS same
        ON same.id = person.id AND same.deleted = 0 AND same.workspace_id = of_workspace;
    RETURN QUERY
    SELECT CASE WHEN given.guard <> ALL(open_guards) THEN 'NOT_OPEN'
                WHEN other.id IS NULL THEN 'STALE' ELSE 'CONFLICT' END,
           given.id, given.round, NULL::bigint, NULL::int, NULL::timestamptz,
           CASE WHEN other.id IS NOT NULL THEN json_build_array(
    other.id, other.int_id, other.external_id, other.node_id, other.base, other.consents,
    other.extended, other.extra, other.tags, other.enabled, to_char(other.registered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    to_char(other.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), other.version, other.deleted, other.registered_by, other.updated_by
)::text
                WHEN stored.id IS NOT NULL THEN json_build_array(
    stored.id, stored.int_id, stored.external_id, stored.node_id, stored.base, stored.consents,
    stored.extended, stored.extra, stored.tags, stored.enabled, to_char(stored.registered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    to_char(stored.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), stored.version, stored.deleted, stored.registered_by, stored.updated_by
)::text END
    FROM json_to_recordset(changes) AS given (
            id uuid, round int, guard int, node_id uuid, version int, match_key bytea, deleted smallint,
            external_id text, enabled boolean, extra text, base jsonb, consents jsonb, extended jsonb,
            tags jsonb, registered_at timestamptz, registered_by text, updated_by text, source_id uuid,
            user_id bigint, appears text, log json, history jsonb, history_after jsonb, cause text, merge_id uuid,
            changed_paths text[], keys json, may_share boolean
        )
    LEFT JOIN customers_customer AS stored
        ON stored.id = given.id AND stored.workspace_id = of_workspace AND stored.deleted = 0
    LEFT JOIN customers_customer AS other
        ON other.workspace_id = of_workspace
        AND other.id = coalesce(
            (SELECT same.id FROM customers_customer AS same
             WHERE same.workspace_id = of_workspace AND same.node_id = stored.node_id
               AND same.match_key = given.match_key AND same.deleted = 0 AND same.id <> stored.id),
            (SELECT taken.customer_id FROM (SELECT claim.customer_id FROM json_to_recordset(given.keys) AS asked (rule int, key bytea)
                      JOIN customers_matchingkey AS claim
                          ON claim.workspace_id = of_workspace AND claim.node_id = stored.node_id
                          AND claim.key = asked.key AND claim.customer_id <> stored.id
                      WHERE NOT given.may_share AND NOT EXISTS (
                          SELECT FROM customers_matchingkey AS own
                          WHERE own.workspace_id = of_workspace AND own.customer_id = stored.id
                            AND own.key = asked.key
                      )) AS taken LIMIT 1)
        ) AND other.deleted = 0
        AND other.id <> stored.id AND stored.id = ANY(held)
        AND (given.version IS NULL OR stored.version = given.version);
END $$;
