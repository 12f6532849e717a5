-- Groups of customers that would share a key.
SELECT (array_agg(customer_id::text ORDER BY customer_id))[1:(:most_of_a_group)]
FROM customers_newkey
WHERE workspace_id = :workspace_id AND node_id = :node_id AND match_key IS NOT NULL
GROUP BY match_key HAVING count(*) > 1
LIMIT :most
