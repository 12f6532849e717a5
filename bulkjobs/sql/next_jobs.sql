-- The jobs whose turn is next, and the number of their turn: workspaces in turn, within each its nodes in
-- turn, and within each its jobs. Every second slice of work is for a job that has had none, if there is one.
WITH latest AS (
    SELECT coalesce(max(turn), 0) AS turn
    FROM bulkjobs_bulkjob
)

SELECT
    job.workspace_id,
    job.id,
    latest.turn + 1
FROM bulkjobs_bulkjob AS job
CROSS JOIN latest
WHERE
    job.status IN ('LOADED', 'SCHEDULED', 'PROCESSING')
    -- What is put off for longer than is ever done was put off before the clock was put back.
    AND (
        job.available_at <= statement_timestamp()
        OR job.available_at > statement_timestamp() + make_interval(secs => :longest)
    )
    AND (:raw::boolean OR NOT job.is_raw)
ORDER BY
    latest.turn % 2 = 0 AND job.turn > 0,
    (
        SELECT max(other.turn)
        FROM bulkjobs_bulkjob AS other
        WHERE other.workspace_id = job.workspace_id
    ),
    (
        SELECT max(other.turn)
        FROM bulkjobs_bulkjob AS other
        WHERE other.workspace_id = job.workspace_id AND other.node_id = job.node_id
    ),
    job.turn,
    job.created_at,
    job.id
LIMIT :most
