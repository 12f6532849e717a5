-- Pairs that were found of some customers: those that are open and were not found again go, those that were
-- dismissed stay so, and those that a matching rule has found are not looked at.
WITH given AS (
    SELECT * FROM unnest(
        :first_ids::uuid[], :second_ids::uuid[], :nodes::uuid[], :scores::float8[], :reasons::text[],
        :pair_ids::uuid[]
    ) AS given (first_id, second_id, node_id, score, reasons, id)
),
removed AS (
    DELETE FROM customers_duplicatepair AS pair
    WHERE pair.workspace_id = :workspace_id AND pair.state = 'OPEN'
      AND NOT pair.reasons @> '["SAME_IDENTITY"]'
      AND (pair.first_id = ANY(:ids::uuid[]) OR pair.second_id = ANY(:ids::uuid[]))
      AND (pair.first_id, pair.second_id) NOT IN (SELECT first_id, second_id FROM given)
)
INSERT INTO customers_duplicatepair AS pair
    (workspace_id, id, node_id, first_id, second_id, score, reasons, found_at, state)
SELECT :workspace_id, given.id, given.node_id, given.first_id, given.second_id, given.score,
       given.reasons::jsonb, date_trunc('milliseconds', statement_timestamp()), 'OPEN'
FROM given ORDER BY given.first_id, given.second_id
ON CONFLICT (workspace_id, first_id, second_id) DO UPDATE
SET score = excluded.score, reasons = excluded.reasons
WHERE pair.state = 'OPEN' AND NOT pair.reasons @> '["SAME_IDENTITY"]'
  AND (pair.score, pair.reasons) IS DISTINCT FROM (excluded.score, excluded.reasons)
RETURNING pair.id
