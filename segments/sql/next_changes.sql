-- How far the feed reaches and the changes that stand there after an offset, in one snapshot; without any,
-- one row of nulls. `CREATE` of a customer is told of a restored one, too.
SELECT feed.last_offset, feed.trimmed_to, change.feed_offset, change.entity, change.entity_id,
       change.operation, change.changed_paths
FROM customers_feed AS feed
LEFT JOIN LATERAL (
    SELECT * FROM customers_change AS change
    WHERE change.workspace_id = :workspace_id AND change.feed_offset > :after AND NOT change.is_duplicate
      AND change.entity <> 'SEGMENT'
    ORDER BY change.feed_offset LIMIT :size
) AS change ON TRUE
WHERE feed.workspace_id = :workspace_id ORDER BY change.feed_offset
