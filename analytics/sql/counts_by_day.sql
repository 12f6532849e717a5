{% from "analytics/sql/pending_counts.sql" import pending, selected %}
-- By metric and key, the value of each day that has one.
-- A metric and key at a time with all its days: a tenth of what a row for each day costs.
WITH {{ pending() }}
SELECT (SELECT time_zone FROM ledger), (
    SELECT json_agg(json_build_array(metric, key, days, amounts))::text
    FROM (
        SELECT metric, key, array_agg(day - :first::date) AS days,
               array_agg(value::text) AS amounts
        FROM analytics_counter WHERE {{ selected() }}
        GROUP BY node_id, metric, key
        UNION ALL
        SELECT metric, key, array_agg(day - :first::date), array_agg(value::text)
        FROM pending GROUP BY node_id, metric, key
    ) AS added
)
