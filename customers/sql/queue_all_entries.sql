-- Every customer of an aggregated node is to be matched again: also those who were members of none.
INSERT INTO customers_pendingmerge (workspace_id, entry_id)
SELECT customer.workspace_id, customer.id
FROM customers_customer AS customer
JOIN configuration_node AS node
    ON node.workspace_id = customer.workspace_id AND node.id = customer.node_id
WHERE customer.workspace_id = :workspace_id AND customer.deleted = 0 AND node.is_aggregated
RETURNING id
