-- The aggregate customers that entry customers are part of.
SELECT member.entry_id, member.aggregate_id FROM customers_aggregatemember AS member
WHERE member.workspace_id = :workspace_id AND member.entry_id = ANY(:ids::uuid[])
  AND member.aggregate_id IS NOT NULL
