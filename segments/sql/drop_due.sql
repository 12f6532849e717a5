-- Customers that time alone does not bring into segments, or out of them, any more.
DELETE FROM segments_dueevaluation AS due
USING unnest(:segments::uuid[], :customers::uuid[]) AS over (segment_id, customer_id)
WHERE due.workspace_id = :workspace_id AND due.segment_id = over.segment_id
  AND due.customer_id = over.customer_id
RETURNING due.segment_id, due.customer_id
