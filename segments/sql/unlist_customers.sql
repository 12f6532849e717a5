-- Customers go from the list of a static segment, and are to be evaluated.
WITH gone AS (
    DELETE FROM segments_listedcustomer
    WHERE workspace_id = :workspace_id AND segment_id = :segment_id AND customer_id = ANY(:ids::uuid[])
    RETURNING customer_id
),
pending AS (
    INSERT INTO segments_pendingcustomer (workspace_id, customer_id)
    SELECT :workspace_id, gone.customer_id FROM gone
)
SELECT gone.customer_id FROM gone
