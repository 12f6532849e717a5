-- Give the next slice of work to a job: to workspaces in turn, within each to its nodes in turn, and within
-- each to its jobs. Every second slice goes to a job that has had none, if there is one.
WITH latest AS (
    SELECT coalesce(max(turn), 0) AS turn
    FROM bulkjobs_bulkjob
),

candidate AS (
    SELECT job.id
    FROM bulkjobs_bulkjob AS job
    WHERE
        job.status IN ('LOADED', 'SCHEDULED', 'PROCESSING')
        AND job.available_at <= clock_timestamp()
    ORDER BY
        (SELECT latest.turn % 2 = 0 FROM latest) AND job.turn > 0,
        (
            SELECT max(other.turn)
            FROM bulkjobs_bulkjob AS other
            WHERE other.workspace_id = job.workspace_id
        ),
        (
            SELECT max(other.turn)
            FROM bulkjobs_bulkjob AS other
            WHERE other.node_id = job.node_id
        ),
        job.turn,
        job.created_at,
        job.id
    LIMIT 1
    FOR NO KEY UPDATE OF job SKIP LOCKED
)

UPDATE bulkjobs_bulkjob AS job
SET
    turn = latest.turn + 1,
    claim = :claim,
    available_at = clock_timestamp() + make_interval(secs => :lease),
    attempts = job.attempts + 1
FROM candidate, latest
WHERE job.id = candidate.id
RETURNING job.id
