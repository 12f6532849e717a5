-- When customers are to be evaluated again.
INSERT INTO segments_dueevaluation (workspace_id, segment_id, customer_id, due_at)
SELECT :workspace_id, due.segment_id, due.customer_id, due.due_at
FROM unnest(:segments::uuid[], :customers::uuid[], :moments::timestamptz[])
    AS due (segment_id, customer_id, due_at)
ON CONFLICT (workspace_id, segment_id, customer_id) DO UPDATE SET due_at = excluded.due_at
RETURNING segment_id, customer_id
