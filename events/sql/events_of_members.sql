-- Columns of the events of the members of an aggregate node's customers.
SELECT :columns
FROM customers_aggregatemember AS member
JOIN events_event AS event ON event.customer_id = member.entry_id
WHERE member.workspace_id = :workspace_id AND member.aggregate_node_id = :node_id
  AND event.workspace_id = :workspace_id AND event.node_id = ANY(:entry_nodes) AND :condition
