{# Keys of customers by the rules after the first, and whom a key is of. `workspace` is an expression. #}

{# The keys of a row, {rule, key}. #}
{% macro keys_of(keys, name) %}
json_to_recordset({{ keys }}) AS {{ name }} (rule int, key bytea)
{%- endmacro %}

{# The live customer that has got a key by a merge. #}
{% macro heir(workspace, row) %}
SELECT owner.id FROM customers_formeridentity AS former
                JOIN customers_customer AS owner
                    ON owner.workspace_id = {{ workspace }} AND owner.id = former.current_id
                    AND owner.deleted = 0
                WHERE former.workspace_id = {{ workspace }} AND former.node_id = {{ row }}.node_id
                  AND former.match_key = {{ row }}.match_key
{%- endmacro %}

{# The customer that a row is by one rule: who has the first rule's key itself, then who has got it by a
   merge; then the same by each further rule, unless an earlier one tells the two apart. #}
{% macro person(workspace, row, keyed) %}
SELECT known.id FROM (
        SELECT own.id, 0 AS rule, 0 AS rank FROM customers_customer AS own
        WHERE own.workspace_id = {{ workspace }} AND own.node_id = {{ row }}.node_id
          AND own.match_key = {{ row }}.match_key AND own.deleted = 0
        UNION ALL
        SELECT heir.id, 0, 1 FROM ({{ heir(workspace, row) }}) AS heir
{% if keyed %}
        UNION ALL
        SELECT owner.id, asked.rule, 0
        FROM {{ keys_of(row ~ ".keys", "asked") }}
        CROSS JOIN LATERAL (
            SELECT one.customer_id FROM (
                SELECT claim.customer_id, NOT claim.holds AS rank, claim.claimed_at
                FROM customers_matchingkey AS claim
                WHERE claim.workspace_id = {{ workspace }} AND claim.node_id = {{ row }}.node_id
                  AND claim.key = asked.key
                UNION ALL
                SELECT former.current_id, NULL, NULL FROM customers_formeridentity AS former
                WHERE former.workspace_id = {{ workspace }} AND former.node_id = {{ row }}.node_id
                  AND former.match_key = asked.key
            ) AS one ORDER BY one.rank NULLS LAST, one.claimed_at, one.customer_id LIMIT 1
        ) AS found
        JOIN customers_customer AS owner
            ON owner.workspace_id = {{ workspace }} AND owner.id = found.customer_id AND owner.deleted = 0
        WHERE (owner.match_key = {{ row }}.match_key) IS NOT FALSE AND NOT EXISTS (
            SELECT FROM {{ keys_of(row ~ ".keys", "earlier") }}
            JOIN customers_matchingkey AS other
                ON other.workspace_id = {{ workspace }} AND other.customer_id = owner.id
                AND other.rule = earlier.rule
            WHERE earlier.rule < asked.rule AND other.key <> earlier.key
        )
{% endif %}
    ) AS known ORDER BY known.rule, known.rank LIMIT 1
{%- endmacro %}

{# CTEs `claimed` and `noted` that give the keys of `given` to the rows of `customer`: of several customers
   with a key the first holds it, and the pair is noted as a duplicate. #}
{% macro claims(workspace) %}
claimed AS (
        INSERT INTO customers_matchingkey AS claim
            (workspace_id, node_id, customer_id, rule, key, holds, claimed_at)
        SELECT {{ workspace }}, customer.node_id, customer.id, asked.rule, asked.key,
               row_number() OVER (PARTITION BY customer.node_id, asked.key ORDER BY customer.id) = 1 AND NOT EXISTS (
                   SELECT FROM customers_matchingkey AS other
                   WHERE other.workspace_id = {{ workspace }} AND other.node_id = customer.node_id
                     AND other.key = asked.key AND other.customer_id <> customer.id
               ),
               clock_timestamp()
        FROM customer JOIN given ON given.id = customer.id
        CROSS JOIN LATERAL {{ keys_of("given.keys", "asked") }}
        WHERE NOT EXISTS (
            SELECT FROM customers_matchingkey AS own
            WHERE own.workspace_id = {{ workspace }} AND own.customer_id = customer.id AND own.key = asked.key
        )
        RETURNING claim.node_id, claim.customer_id, claim.key, claim.holds
    ),
    noted AS (
        INSERT INTO customers_duplicatepair AS pair
            (workspace_id, id, node_id, first_id, second_id, score, reasons, found_at, state)
        SELECT {{ workspace }}, gen_random_uuid(), shared.node_id, shared.first_id, shared.second_id, 1,
               '["SAME_IDENTITY"]', date_trunc('milliseconds', statement_timestamp()), 'OPEN'
        FROM (
            SELECT DISTINCT claimed.node_id, least(claimed.customer_id, holder.customer_id) AS first_id,
                   greatest(claimed.customer_id, holder.customer_id) AS second_id
            FROM claimed CROSS JOIN LATERAL (
                SELECT one.customer_id FROM (
                    SELECT stored.customer_id, NOT stored.holds AS rank, stored.claimed_at
                    FROM customers_matchingkey AS stored
                    WHERE stored.workspace_id = {{ workspace }} AND stored.node_id = claimed.node_id
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
    )
{%- endmacro %}
