-- Customers go from the list of a static segment, and are to be evaluated.
WITH removed AS (
    DELETE FROM segments_listedcustomer
    WHERE workspace_id = :workspace_id AND segment_id = :segment_id AND customer_id = ANY(:ids::uuid[])
    RETURNING customer_id
),
pending AS (
    INSERT INTO segments_pendingcustomer (workspace_id, customer_id)
    SELECT :workspace_id, removed.customer_id FROM removed
)
SELECT removed.customer_id FROM removed
