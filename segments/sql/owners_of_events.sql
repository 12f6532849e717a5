-- Of those events that are of some types: these and whose they are.
SELECT event.customer_id, event.type FROM events_event AS event
WHERE event.workspace_id = :workspace_id AND event.id = ANY(:ids::uuid[])
  AND event.type = ANY(:types::text[]) AND event.customer_id IS NOT NULL
