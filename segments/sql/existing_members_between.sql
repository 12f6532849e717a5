-- The same (see existing_members.sql) of all customers after an id, up to another.
SELECT member.segment_id, member.customer_id, NULL::timestamptz
FROM segments_member AS member
WHERE member.workspace_id = :workspace_id AND member.segment_id = ANY(:segments::uuid[])
  AND (:after::uuid IS NULL OR member.customer_id > :after)
  AND (:until::uuid IS NULL OR member.customer_id <= :until)
UNION ALL
SELECT due.segment_id, due.customer_id, due.due_at
FROM segments_dueevaluation AS due
WHERE due.workspace_id = :workspace_id AND due.segment_id = ANY(:segments::uuid[])
  AND (:after::uuid IS NULL OR due.customer_id > :after)
  AND (:until::uuid IS NULL OR due.customer_id <= :until)
