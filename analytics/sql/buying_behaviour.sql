-- What customers bought, gave back and spent.
SELECT count(*) FILTER (WHERE kind <> 'return'),
       count(*) FILTER (WHERE kind IN ('return', 'sale-return')),
       coalesce(sum(analytics_spent(properties, properties #> '{amount,total}')), 0)::text,
       coalesce(sum(analytics_spent(properties, coalesce(
           properties #> '{amount,revenue}', properties #> '{amount,total}'))), 0)::text,
       coalesce(sum(analytics_items(properties)), 0)::text,
       max(date) FILTER (WHERE kind <> 'return')
FROM (
    SELECT properties, date, coalesce(properties ->> 'type', 'sale') AS kind
    FROM events_event
    WHERE workspace_id = :workspace_id AND customer_id = ANY(:customers::uuid[])
      AND date BETWEEN :start AND :end AND type = 'completedOrder'
) AS bought
