{% from "analytics/sql/measures.sql" import raw_deltas %}
{% from "analytics/sql/recount.sql" import counted, facts_kept, raw_facts, raw_visits, visits_kept %}
-- Counters that are not what the rows add up to.
WITH raw AS MATERIALIZED ({{ raw_deltas() }}),
waiting AS MATERIALIZED (SELECT * FROM analytics_delta WHERE workspace_id = :workspace_id),
truth AS ({{ counted(facts=raw_facts(), visits=raw_visits()) }}),
kept AS ({{ counted(facts=facts_kept(), visits=visits_kept()) }}),
stored AS (
    SELECT node_id, metric, key, day, value FROM analytics_counter
    WHERE workspace_id = :workspace_id AND metric IN ('buyers', 'visitors', 'sessions')
      AND value <> 0
),
present (node_id, metric, key, day, value) AS (
    SELECT node_id, split_part(kind, ' ', 1), split_part(kind, ' ', 2), day, count(*)::numeric
    FROM analytics_presence WHERE workspace_id = :workspace_id AND times > 0
    GROUP BY 1, 2, 3, 4
),
difference AS (
    SELECT node_id, metric, key, day,
           coalesce(kept.value, 0) AS kept, coalesce(truth.value, 0) AS truth
    FROM kept FULL JOIN truth USING (node_id, metric, key, day)
    WHERE coalesce(kept.value, 0) <> coalesce(truth.value, 0)
    UNION ALL
    SELECT node_id, metric, key, day, coalesce(stored.value, 0), coalesce(present.value, 0)
    FROM stored FULL JOIN present USING (node_id, metric, key, day)
    WHERE coalesce(stored.value, 0) <> coalesce(present.value, 0)
)
SELECT node_id, metric, key, day, kept, truth FROM difference ORDER BY 2, 3, 4, 1
