-- Some of the results of a job.
WITH removed AS (
    DELETE FROM bulkjobs_result
    WHERE
        workspace_id = :workspace_id
        AND id IN (
            SELECT id
            FROM bulkjobs_result
            WHERE workspace_id = :workspace_id AND job_id = :job_id
            LIMIT :limit
        )
    RETURNING 1
)

SELECT count(*) FROM removed
