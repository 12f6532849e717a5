{# CTEs after `removed`, events that are deleted: what is kept of the requests that sent them goes. A request
   that sent others' events too is kept, and no longer names those that are removed. #}
{% macro requests_without_removed() %}
-- Requests are kept for a day; an event that has not changed since is named by a later one only by its
-- external id.
sent AS (
    SELECT coalesce(array_agg(id), '{}') AS ids FROM removed
    WHERE external_id IS NOT NULL OR updated_at > statement_timestamp() - interval '2 days'
),
request AS (
    SELECT record.author, record.key_hash, array_agg(named.id) FILTER (WHERE removed.id IS NULL) AS others
    FROM configuration_idempotencykey AS record
    CROSS JOIN unnest(record.entities) AS named (id)
    LEFT JOIN removed ON named.id = removed.id
    WHERE record.workspace_id = :workspace_id AND record.entities && (SELECT ids FROM sent)
    GROUP BY record.author, record.key_hash
),
whole_request AS (
    DELETE FROM configuration_idempotencykey
    WHERE workspace_id = :workspace_id
      AND (author, key_hash) IN (SELECT author, key_hash FROM request WHERE others IS NULL)
),
part_of_request AS (
    UPDATE configuration_idempotencykey AS record SET entities = request.others
    FROM request
    WHERE record.workspace_id = :workspace_id AND record.author = request.author
      AND record.key_hash = request.key_hash AND request.others IS NOT NULL
)
{%- endmacro %}
