-- Who wrote the customers and events of some changes: of a created one who registered it, of a changed
-- customer who wrote it last. Authors of those that are gone are unknown.
SELECT
    change.entity,
    CASE
        WHEN change.entity = 'EVENT' THEN event.registered_by
        WHEN change.operation = 'CREATE' THEN customer.registered_by
        ELSE customer.updated_by
    END AS author,
    count(*) AS number
FROM customers_change AS change
LEFT JOIN customers_customer AS customer
    ON customer.workspace_id = change.workspace_id AND customer.id = change.entity_id
    AND change.entity = 'CUSTOMER'
LEFT JOIN events_event AS event
    ON event.workspace_id = change.workspace_id AND event.id = change.entity_id AND change.entity = 'EVENT'
WHERE change.workspace_id = :workspace_id AND change.feed_offset = ANY(:offsets::bigint[])
    AND change.node_id = ANY(:nodes::uuid[]) AND NOT change.is_duplicate
    AND (
        (change.entity = 'CUSTOMER' AND change.operation <> 'DELETE')
        OR (change.entity = 'EVENT' AND change.operation = 'CREATE')
    )
GROUP BY 1, 2
