-- Whether something is to be done for the segments of a workspace; no row when it has no segments.
SELECT
    feed_cursor.configuration_version <> workspace.configuration_version
    OR EXISTS (
        SELECT FROM customers_feed AS feed
        WHERE feed.workspace_id = :workspace_id AND feed.last_offset <> feed_cursor.feed_offset
    )
    OR EXISTS (
        SELECT FROM customers_change AS change
        WHERE change.workspace_id = :workspace_id AND change.feed_offset IS NULL
    )
    OR EXISTS (SELECT FROM segments_pendingcustomer AS pending WHERE pending.workspace_id = :workspace_id)
    OR EXISTS (
        SELECT FROM segments_dueevaluation AS due
        WHERE due.workspace_id = :workspace_id AND due.due_at <= :now
    )
    OR EXISTS (
        SELECT FROM segments_segment AS segment
        WHERE segment.workspace_id = :workspace_id AND segment.state IN ('BUILDING', 'REMOVED')
    )
FROM segments_feedcursor AS feed_cursor
JOIN configuration_workspace AS workspace ON workspace.id = feed_cursor.workspace_id
WHERE feed_cursor.workspace_id = :workspace_id
