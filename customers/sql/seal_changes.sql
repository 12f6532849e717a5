-- The next offsets, for committed changes that have none, in the order of their ids.
-- Ids are gathered first: a join would be planned by what the table's statistics say, and right
-- after it was vacuumed empty they say that it has one row, whatever has come since.
WITH unsealed AS (
    SELECT array(
        SELECT id FROM customers_change
        WHERE workspace_id = :workspace_id AND feed_offset IS NULL
        ORDER BY id LIMIT :limit
    ) AS ids
),
sealed AS (
    UPDATE customers_change
    SET feed_offset = :last_offset + width_bucket(id, (SELECT ids FROM unsealed))
    WHERE workspace_id = :workspace_id AND id = ANY((SELECT ids FROM unsealed)::bigint[])
    RETURNING id
)
UPDATE customers_feed SET last_offset = last_offset + (SELECT count(*) FROM sealed)
WHERE workspace_id = :workspace_id
RETURNING last_offset - :last_offset
