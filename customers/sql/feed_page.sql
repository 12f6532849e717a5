{% from "customers/sql/feed_filter.sql" import matches_filter with context %}
-- How far the feed reaches and the changes that stand there, in one snapshot; without any, one row of nulls.
SELECT feed.last_offset, feed.trimmed_to, change.feed_offset, change.operation, change.entity,
       change.entity_id, change.node_id
FROM customers_feed AS feed
LEFT JOIN LATERAL (
    SELECT * FROM customers_change AS change
    WHERE {{ matches_filter() }}
    ORDER BY change.feed_offset LIMIT :size
) AS change ON TRUE
WHERE feed.workspace_id = :workspace_id ORDER BY change.feed_offset
