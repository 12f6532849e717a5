{% from "events/sql/returned_events.sql" import returned_events %}
-- How many events would be given back to each customer when a merge is undone.
SELECT returned.customer_id, returned.came_later, count(*)
FROM ({{ returned_events() }}) AS returned
GROUP BY returned.customer_id, returned.came_later
