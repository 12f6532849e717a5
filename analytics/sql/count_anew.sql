{% from "analytics/sql/measures.sql" import raw_deltas %}
{% from "analytics/sql/recount.sql" import counted, raw_facts, raw_visits %}
-- Counters of a workspace, from its rows.
WITH raw AS MATERIALIZED ({{ raw_deltas() }})
INSERT INTO analytics_counter (workspace_id, node_id, metric, key, day, value)
SELECT :workspace_id, counted.* FROM ({{ counted(facts=raw_facts(), visits=raw_visits()) }}) AS counted
