-- Customers enter segments; those who are in already are not told.
INSERT INTO segments_member (workspace_id, segment_id, customer_id, since)
SELECT :workspace_id, entering.segment_id, entering.customer_id, :now
FROM unnest(:segments::uuid[], :customers::uuid[]) AS entering (segment_id, customer_id)
ON CONFLICT (workspace_id, segment_id, customer_id) DO NOTHING
RETURNING segment_id, customer_id
