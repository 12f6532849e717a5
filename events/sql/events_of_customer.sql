-- The events of a customer, latest first, after a date and id; the comparison of rows is a range of an index.
SELECT {{ row_as_json }}, date, id FROM events_event
WHERE workspace_id = :workspace_id AND customer_id = :customer_id
  AND (date, id) < (:date::timestamptz, :id::uuid)
ORDER BY date DESC, id DESC LIMIT :size
