-- What became of rows of a job.
WITH noted AS (
    INSERT INTO bulkjobs_result (job_id, "row", outcome, entity_id, message, "column", code)
    SELECT :job_id, * FROM unnest(
        :rows::bigint[], :outcomes::text[], :entity_ids::uuid[], :messages::text[],
        :columns::text[], :codes::text[]
    )
    RETURNING 1
)
SELECT count(*) FROM noted
