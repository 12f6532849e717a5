-- What became of rows of a job.
WITH noted AS (
    INSERT INTO bulkjobs_result (
        workspace_id, job_id, "row", outcome, entity_id, message, "column", code, identity, cells,
        digests
    )
    SELECT
        :workspace_id,
        :job_id,
        given.line,
        given.outcome,
        given.entity_id,
        given.message,
        given.place,
        given.code,
        given.identity::jsonb,
        given.cells::jsonb,
        CASE
            WHEN given.digests IS NOT NULL
                THEN ARRAY(SELECT jsonb_array_elements_text(given.digests::jsonb))
        END
    FROM unnest(
        :rows::bigint[], :outcomes::text[], :entity_ids::uuid[], :messages::text[],
        :columns::text[], :codes::text[], :identities::text[], :cells::text[], :digests::text[]
    ) AS given (
        line, outcome, entity_id, message, place, code, identity, cells, digests
    )
    RETURNING 1
)

SELECT count(*) FROM noted
