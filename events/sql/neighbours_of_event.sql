-- The events before and after one: of each customer the nearest, by one look into its time line; of these
-- the nearest.
SELECT
    (SELECT other.id::text
     FROM unnest(:customers::uuid[]) AS owner, LATERAL (
         SELECT id, date FROM events_event
         WHERE customer_id = owner AND workspace_id = :workspace_id
           AND (date, id) < (one.date, one.id)
         ORDER BY date DESC, id DESC LIMIT 1
     ) AS other ORDER BY other.date DESC, other.id DESC LIMIT 1),
    (SELECT other.id::text
     FROM unnest(:customers::uuid[]) AS owner, LATERAL (
         SELECT id, date FROM events_event
         WHERE customer_id = owner AND workspace_id = :workspace_id
           AND (date, id) > (one.date, one.id)
         ORDER BY date, id LIMIT 1
     ) AS other ORDER BY other.date, other.id LIMIT 1)
FROM events_event AS one WHERE one.id = :id AND one.workspace_id = :workspace_id
