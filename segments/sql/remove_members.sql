-- Customers leave segments.
DELETE FROM segments_member AS member
USING unnest(:segments::uuid[], :customers::uuid[]) AS leaving (segment_id, customer_id)
WHERE member.workspace_id = :workspace_id AND member.segment_id = leaving.segment_id
  AND member.customer_id = leaving.customer_id
RETURNING member.segment_id, member.customer_id
