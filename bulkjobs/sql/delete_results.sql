-- Some of the results of a job.
WITH gone AS (
    DELETE FROM bulkjobs_result
    WHERE
        id IN (
            SELECT id
            FROM bulkjobs_result
            WHERE job_id = :job_id
            LIMIT :limit
        )
    RETURNING 1
)

SELECT count(*) FROM gone
