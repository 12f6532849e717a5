-- Members of an aggregate node, linked to the customer with their key.
UPDATE customers_aggregatemember SET aggregate_id = customer.id
FROM customers_customer AS customer
WHERE customers_aggregatemember.workspace_id = :workspace_id
  AND customers_aggregatemember.aggregate_node_id = :node_id
  AND customers_aggregatemember.match_key = ANY(:keys::bytea[])
  AND customer.workspace_id = :workspace_id AND customer.node_id = :node_id AND customer.deleted = 0
  AND customer.match_key = customers_aggregatemember.match_key
  AND customers_aggregatemember.aggregate_id IS DISTINCT FROM customer.id
RETURNING entry_id
