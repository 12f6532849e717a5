{% from "analytics/sql/pending_counts.sql" import pending, selected %}
-- By node and key, the value of a whole period.
WITH {{ pending() }}
SELECT (SELECT time_zone FROM ledger), (
    SELECT json_agg(json_build_array(node_id, key, total::text))::text
    FROM (
        SELECT node_id, key, sum(value) AS total
        FROM (
            SELECT node_id, key, value FROM analytics_counter WHERE {{ selected() }}
            UNION ALL SELECT node_id, key, value FROM pending
        ) AS both_kinds
        GROUP BY node_id, key HAVING sum(value) <> 0
    ) AS added
)
