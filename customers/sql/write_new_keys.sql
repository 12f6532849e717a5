-- The next customers of a node get the keys computed for them. They are locked in the order of their ids.
WITH batch AS (
    SELECT customer_id, match_key FROM customers_newkey
    WHERE workspace_id = :workspace_id AND node_id = :node_id AND customer_id > :after
    ORDER BY customer_id LIMIT :limit
),
held AS (
    SELECT customer.id, batch.match_key
    FROM customers_customer AS customer JOIN batch ON batch.customer_id = customer.id
    WHERE customer.workspace_id = :workspace_id AND customer.deleted = 0
    ORDER BY customer.id FOR NO KEY UPDATE OF customer
),
written AS (
    UPDATE customers_customer SET match_key = held.match_key FROM held
    WHERE customers_customer.id = held.id AND customers_customer.workspace_id = :workspace_id
      AND customers_customer.match_key IS DISTINCT FROM held.match_key
    RETURNING customers_customer.id
)
SELECT batch.customer_id FROM batch LEFT JOIN written ON written.id = batch.customer_id
ORDER BY batch.customer_id
