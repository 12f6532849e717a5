{% from "analytics/sql/measures.sql" import facts, visits, changed_heads %}

{# The time zone by which a workspace's days are counted. #}
{% macro zone() %}
SELECT coalesce(
    (SELECT time_zone FROM analytics_ledger WHERE workspace_id = :workspace_id),
    (SELECT timezone FROM configuration_workspace WHERE id = :workspace_id)
)
{% endmacro %}

{# Which counters are asked for. #}
{% macro selected() %}
workspace_id = :workspace_id AND node_id = ANY(:nodes::uuid[])
AND metric = ANY(:metrics::text[]) AND day BETWEEN :first AND :last
{% endmacro %}

{# CTEs that end with `pending`: what is not folded yet, usually the work of a few seconds. #}
{% macro pending() %}
ledger AS (SELECT ({{ zone() }}) AS time_zone),
waiting AS MATERIALIZED (
    SELECT * FROM analytics_delta
    WHERE workspace_id = :workspace_id AND node_id = ANY(:nodes::uuid[])
),
visit AS ({{ visits(deltas="waiting", ledger="ledger") }}),
pending AS (
    SELECT node_id, metric, key, day, value
    FROM ({{ facts(deltas="waiting", ledger="ledger") }}) AS fact
    WHERE metric = ANY(:metrics::text[]) AND day BETWEEN :first AND :last
    UNION ALL
    SELECT node_id, metric, key, day, value FROM ({{ changed_heads() }}) AS head
    WHERE metric = ANY(:metrics::text[]) AND day BETWEEN :first AND :last
)
{% endmacro %}
