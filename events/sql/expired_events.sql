-- How many events of a type in a node are dated before a moment, and the first and last date.
SELECT count(*), min(date), max(date) FROM events_event
WHERE workspace_id = :workspace_id AND node_id = :node_id AND type = :type AND date < :before
