-- The next customers of a node that nobody has changed, and who did nothing, since a moment: those changed
-- earliest first. An old event that came in lately counts as something they did.
SELECT customer.id, customer.updated_at FROM customers_customer AS customer
WHERE customer.workspace_id = :workspace_id AND customer.node_id = :node_id AND customer.deleted = 0
  AND customer.updated_at < :before
  AND (customer.updated_at, customer.id) > (:after_moment::timestamptz, :after_id::uuid)
  AND NOT EXISTS (
      SELECT FROM events_event AS event
      WHERE event.workspace_id = :workspace_id AND event.customer_id = customer.id
        AND (event.date >= :before OR event.registered_at >= :before)
  )
ORDER BY customer.updated_at, customer.id
LIMIT :limit
