-- The survivor of a merge that is undone goes from the lists that it was put on by it; see list_survivor.sql.
WITH removed AS (
    DELETE FROM segments_listedcustomer AS listed
    WHERE listed.workspace_id = :workspace_id AND listed.customer_id = :survivor_id
      AND listed.merge_id = :merge_id
    RETURNING listed.customer_id
)
INSERT INTO segments_pendingcustomer (workspace_id, customer_id)
SELECT :workspace_id, removed.customer_id FROM removed LIMIT 1
RETURNING customer_id
