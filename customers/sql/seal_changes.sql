-- The next offsets, for committed changes that have none.
WITH unsealed AS (
    SELECT id, row_number() OVER (ORDER BY id) AS number
    FROM (
        SELECT id FROM customers_change
        WHERE workspace_id = :workspace_id AND feed_offset IS NULL
        ORDER BY id LIMIT :limit
    ) AS oldest
),
sealed AS (
    UPDATE customers_change SET feed_offset = :last_offset + unsealed.number
    FROM unsealed WHERE customers_change.id = unsealed.id
    RETURNING customers_change.id
)
UPDATE customers_feed SET last_offset = last_offset + (SELECT count(*) FROM sealed)
WHERE workspace_id = :workspace_id
RETURNING last_offset - :last_offset
