-- The live customer that is known by an external id since a merge: the oldest, should there be several.
SELECT heir.id FROM customers_formeridentity AS former
JOIN customers_customer AS heir
    ON heir.workspace_id = :workspace_id AND heir.id = former.current_id AND heir.deleted = 0
WHERE former.workspace_id = :workspace_id AND former.node_id = :node_id
  AND former.external_id IS NOT NULL
  AND customers_folded(former.external_id) COLLATE "C" = customers_folded(:external_id)
  AND (:ignores_case::boolean OR former.external_id = :external_id)
ORDER BY heir.id LIMIT 1
