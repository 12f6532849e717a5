-- Columns of the events of a node.
SELECT :columns
FROM events_event AS event
WHERE event.workspace_id = :workspace_id AND event.node_id = :node_id AND :condition
