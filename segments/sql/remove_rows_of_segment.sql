-- Some rows of a segment, of the table `table`.
WITH removed AS (
    DELETE FROM {{ table }}
    WHERE workspace_id = :workspace_id AND segment_id = :segment_id AND ctid = ANY(array(
        SELECT ctid FROM {{ table }}
        WHERE workspace_id = :workspace_id AND segment_id = :segment_id LIMIT :limit
    ))
    RETURNING segment_id
)
SELECT count(*) FROM removed
