-- The survivor of a merge goes on the lists that the merged customers are on, and is to be evaluated. These
-- stay on them, for when the merge is undone.
WITH listed AS (
    INSERT INTO segments_listedcustomer (workspace_id, segment_id, customer_id, merge_id)
    SELECT DISTINCT ON (merged.segment_id) :workspace_id, merged.segment_id, :survivor_id, :merge_id
    FROM segments_listedcustomer AS merged
    WHERE merged.workspace_id = :workspace_id AND merged.customer_id = ANY(:ids::uuid[])
    ORDER BY merged.segment_id
    ON CONFLICT DO NOTHING
    RETURNING customer_id
)
INSERT INTO segments_pendingcustomer (workspace_id, customer_id)
SELECT :workspace_id, listed.customer_id FROM listed LIMIT 1
RETURNING customer_id
