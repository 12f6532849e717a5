-- In the order of their keys, as others count the same at the same time.
INSERT INTO customers_refusalcount AS counted (workspace_id, hour, source_id, entity, type, reason, count)
SELECT :workspace_id, given.hour, given.source_id, given.entity, given.type, given.reason, given.count
FROM unnest(
    :hours::timestamptz[], :sources::uuid[], :entities::text[], :types::text[], :reasons::text[],
    :counts::bigint[]
) AS given (hour, source_id, entity, type, reason, count)
ORDER BY given.hour, given.source_id, given.entity, given.type, given.reason
ON CONFLICT (workspace_id, hour, source_id, entity, type, reason)
DO UPDATE SET count = counted.count + excluded.count
