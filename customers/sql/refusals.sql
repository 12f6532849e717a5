-- What was refused between two moments, by source, entity, type and reason, and by parts of time.
SELECT date_trunc(:part, hour AT TIME ZONE :zone) AT TIME ZONE :zone AS moment, source_id, entity, type,
    reason, sum(count)::bigint AS count
FROM customers_refusalcount
WHERE workspace_id = :workspace_id AND hour >= :start::timestamptz AND hour < :before::timestamptz
  AND (:source::uuid IS NULL OR source_id = :source)
  AND (:entity::text IS NULL OR entity = :entity)
  AND (:type::text IS NULL OR type = :type)
  AND (:reason::text IS NULL OR reason = :reason)
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1 DESC, 6 DESC, 2, 3, 4, 5
LIMIT :most
