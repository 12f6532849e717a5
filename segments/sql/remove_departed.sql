-- Customers that are there no more leave all segments, and nothing is due of them.
WITH due AS (
    DELETE FROM segments_dueevaluation
    WHERE workspace_id = :workspace_id AND customer_id = ANY(:ids::uuid[])
)
DELETE FROM segments_member AS member
WHERE member.workspace_id = :workspace_id AND member.customer_id = ANY(:ids::uuid[])
RETURNING member.segment_id, member.customer_id
