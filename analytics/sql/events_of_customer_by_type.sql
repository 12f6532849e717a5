-- How many events customers have of each type on each day.
SELECT type, (date AT TIME ZONE :zone)::date, count(*)
FROM events_event
WHERE workspace_id = :workspace_id AND customer_id = ANY(:customers::uuid[])
  AND date BETWEEN :start AND :end
GROUP BY 1, 2
