-- Who stands in blocks, one more than may be compared at most.
SELECT wanted.key, found.customers
FROM unnest(:keys::bigint[]) AS wanted (key)
CROSS JOIN LATERAL (
    SELECT array_agg(one.customer_id) AS customers FROM (
        SELECT block.customer_id FROM customers_blockingkey AS block
        WHERE block.workspace_id = :workspace_id AND block.key = wanted.key
        LIMIT :most::int + 1
    ) AS one
) AS found
