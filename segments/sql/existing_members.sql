-- Of customers and segments: who is in which, and what is due to be evaluated when (null for the former).
SELECT member.segment_id, member.customer_id, NULL::timestamptz
FROM segments_member AS member
WHERE member.workspace_id = :workspace_id AND member.segment_id = ANY(:segments::uuid[])
  AND member.customer_id = ANY(:ids::uuid[])
UNION ALL
SELECT due.segment_id, due.customer_id, due.due_at
FROM segments_dueevaluation AS due
WHERE due.workspace_id = :workspace_id AND due.segment_id = ANY(:segments::uuid[])
  AND due.customer_id = ANY(:ids::uuid[])
