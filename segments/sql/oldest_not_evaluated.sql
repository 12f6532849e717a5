-- When the oldest thing happened that the members of a workspace's segments do not show yet.
SELECT least(
    (
        SELECT change.changed_at FROM customers_change AS change
        WHERE change.workspace_id = :workspace_id AND change.feed_offset > feed_cursor.feed_offset
          AND NOT change.is_duplicate AND change.entity <> 'SEGMENT'
        ORDER BY change.feed_offset LIMIT 1
    ),
    (
        SELECT change.changed_at FROM customers_change AS change
        WHERE change.workspace_id = :workspace_id AND change.feed_offset IS NULL
          AND change.entity <> 'SEGMENT'
        ORDER BY change.id LIMIT 1
    ),
    (
        SELECT due.due_at FROM segments_dueevaluation AS due
        WHERE due.workspace_id = :workspace_id AND due.due_at <= statement_timestamp()
        ORDER BY due.due_at LIMIT 1
    )
)
FROM segments_feedcursor AS feed_cursor WHERE feed_cursor.workspace_id = :workspace_id
