-- The next customers of entry nodes, by id; members of today too, which may be excluded from now on.
SELECT id FROM customers_customer
WHERE workspace_id = :workspace_id AND node_id = ANY(:node_ids::uuid[]) AND deleted = 0
  AND (:after::uuid IS NULL OR id > :after)
ORDER BY id LIMIT :size
