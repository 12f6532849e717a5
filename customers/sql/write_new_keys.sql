-- The next customers of a node get the keys computed for them; deleted ones as those that they had. They are
-- locked in the order of their ids.
WITH batch AS (
    SELECT customer_id, match_key, further_keys FROM customers_newkey
    WHERE workspace_id = :workspace_id AND node_id = :node_id AND customer_id > :after
    ORDER BY customer_id LIMIT :limit
),
held AS (
    SELECT customer.id, customer.deleted, batch.match_key, batch.further_keys
    FROM customers_customer AS customer JOIN batch ON batch.customer_id = customer.id
    WHERE customer.workspace_id = :workspace_id AND customer.deleted IN (0, 1)
    ORDER BY customer.id FOR NO KEY UPDATE OF customer
),
written AS (
    UPDATE customers_customer SET match_key = held.match_key FROM held
    WHERE customers_customer.id = held.id AND customers_customer.workspace_id = :workspace_id
      AND held.deleted = 0 AND customers_customer.match_key IS DISTINCT FROM held.match_key
    RETURNING customers_customer.id
),
had AS (
    SELECT held.id,
        min(keys.key::bytea) FILTER (WHERE keys.rule = 0) AS first_key,
        array_agg(keys.key::bytea) FILTER (WHERE keys.rule > 0) AS other_keys
    FROM held LEFT JOIN LATERAL jsonb_to_recordset(held.further_keys) AS keys (rule integer, key text) ON TRUE
    WHERE held.deleted = 1
    GROUP BY held.id
),
noted AS (
    UPDATE customers_customer SET former_key = had.first_key, former_keys = had.other_keys FROM had
    WHERE customers_customer.id = had.id AND customers_customer.workspace_id = :workspace_id
    RETURNING customers_customer.id
)
SELECT batch.customer_id FROM batch
LEFT JOIN written ON written.id = batch.customer_id
LEFT JOIN noted ON noted.id = batch.customer_id
ORDER BY batch.customer_id
