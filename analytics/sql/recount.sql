{% from "analytics/sql/measures.sql" import facts, visits %}

{# The time zone to count in, as a relation. #}
{% set ledger = "(SELECT :time_zone::text AS time_zone)" %}

{# Facts and visits of the relation `raw`: of the rows as they stand. #}
{% macro raw_facts() %}{{ facts(deltas="raw", ledger=ledger) }}{% endmacro %}
{% macro raw_visits() %}{{ visits(deltas="raw", ledger=ledger) }}{% endmacro %}

{# What counters are when `facts` and `visits` are counted. #}
{% macro counted(facts, visits) %}
SELECT node_id, metric, key, day, sum(value) AS value
FROM (
    SELECT node_id, metric, key, day, value FROM ({{ facts }}) AS fact
    UNION ALL
    SELECT node_id, metric, key, day, 1 FROM ({{ visits }}) AS visit WHERE times > 0
) AS counted
WHERE node_id IN (
    SELECT id FROM configuration_node
    WHERE workspace_id = :workspace_id AND removed_at IS NULL
)
GROUP BY 1, 2, 3, 4 HAVING sum(value) <> 0
{% endmacro %}

{# Presences as they will be once the deltas are folded. #}
{% macro visits_kept() %}
SELECT workspace_id, node_id, metric, key, day, member, sum(times) AS times
FROM (
    SELECT workspace_id, node_id, split_part(kind, ' ', 1) AS metric,
           split_part(kind, ' ', 2) AS key, day, member, times
    FROM analytics_presence WHERE workspace_id = :workspace_id
    UNION ALL {{ visits(deltas="waiting", ledger=ledger) }}
) AS both_kinds
GROUP BY 1, 2, 3, 4, 5, 6
{% endmacro %}

{# Heads that were counted already stand in the counters; those of the deltas are told by presences. #}
{% macro facts_kept() %}
SELECT workspace_id, node_id, metric, key, day, value
FROM analytics_counter
WHERE workspace_id = :workspace_id AND metric NOT IN ('buyers', 'visitors', 'sessions')
UNION ALL {{ facts(deltas="waiting", ledger=ledger) }}
{% endmacro %}
