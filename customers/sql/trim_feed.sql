-- Remove the oldest changes of a workspace, and note up to where.
WITH oldest AS (
    SELECT id, feed_offset, changed_at FROM customers_change
    WHERE workspace_id = :workspace_id AND feed_offset IS NOT NULL
    ORDER BY feed_offset LIMIT :limit
),
batch AS (
    SELECT * FROM oldest
    WHERE feed_offset < coalesce(
        (SELECT min(kept.feed_offset) FROM oldest AS kept WHERE kept.changed_at >= :before),
        9223372036854775807
    )
),
removed AS (
    -- By an array, no join: see seal_changes.sql.
    DELETE FROM customers_change
    WHERE workspace_id = :workspace_id AND id = ANY(array(SELECT id FROM batch))
    RETURNING feed_offset
),
noted AS (
    UPDATE customers_feed
    SET trimmed_to = greatest(trimmed_to, (SELECT max(feed_offset) FROM removed)),
        trimmed_before = greatest(trimmed_before, :before)
    WHERE workspace_id = :workspace_id AND EXISTS (SELECT FROM removed)
)
SELECT count(*) FROM removed
