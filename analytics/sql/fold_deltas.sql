{% from "analytics/sql/measures.sql" import facts, visits, changed_heads %}
-- Take deltas and add them to the counters.
WITH taken AS (
    DELETE FROM analytics_delta
    WHERE workspace_id = :workspace_id AND id IN (
        SELECT id FROM analytics_delta WHERE workspace_id = :workspace_id
        ORDER BY id LIMIT :limit
    )
    RETURNING *
),
ledger AS (
    UPDATE analytics_ledger SET folded_at = now() WHERE workspace_id = :workspace_id
    RETURNING time_zone
),
visit AS ({{ visits(deltas="taken", ledger="ledger") }}),
-- As they were before: a statement does not see what it writes itself.
head AS ({{ changed_heads() }}),
present AS (
    INSERT INTO analytics_presence (workspace_id, node_id, kind, day, member, times)
    SELECT workspace_id, node_id, metric || ' ' || key, day, member, times FROM visit
    ORDER BY node_id, metric, key, day, member
    ON CONFLICT (workspace_id, node_id, kind, day, member)
    DO UPDATE SET times = analytics_presence.times + EXCLUDED.times
),
counted AS (
    INSERT INTO analytics_counter (workspace_id, node_id, metric, key, day, value)
    SELECT workspace_id, node_id, metric, key, day, sum(value)
    FROM (
        {{ facts(deltas="taken", ledger="ledger") }}
        UNION ALL SELECT * FROM head
    ) AS fact
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(value) <> 0
    ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (workspace_id, node_id, metric, day, key)
    DO UPDATE SET value = analytics_counter.value + EXCLUDED.value
)
SELECT count(*) FROM taken
