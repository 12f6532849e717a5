{% from "analytics/sql/measures.sql" import raw_deltas %}
{% from "analytics/sql/recount.sql" import raw_visits %}
-- Presences of a workspace, from its rows.
WITH raw AS MATERIALIZED ({{ raw_deltas() }})
INSERT INTO analytics_presence (workspace_id, node_id, kind, day, member, times)
SELECT workspace_id, node_id, metric || ' ' || key, day, member, times
FROM ({{ raw_visits() }}) AS visit
