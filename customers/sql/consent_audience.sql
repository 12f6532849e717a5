{# Who had a leaf of the consent at `true` as of the moment. #}
{% macro having(leaf) %}
SELECT latest.customer_id FROM (
        SELECT DISTINCT ON (line.customer_id) line.customer_id, line.value
        FROM customers_consentlogentry AS line
        WHERE line.workspace_id = :workspace_id AND line.property = :path || '.{{ leaf }}'
          AND line.date <= :at
          AND (:node_id::uuid IS NULL OR line.node_id = :node_id)
        ORDER BY line.customer_id, line.date DESC, line.id DESC
    ) AS latest
    WHERE latest.value = 'true'
{%- endmacro %}
-- How many customers had given a consent, neither limited nor objected to, as of a moment, and were
-- not deleted then. The log is read by its index `consent_log_property` alone.
WITH given AS ({{ having("status") }}),
limited AS MATERIALIZED ({{ having("limitation") }}),
objected AS MATERIALIZED ({{ having("objection") }}),
counted AS (
    SELECT
        given.customer_id,
        given.customer_id IN (SELECT limited.customer_id FROM limited) AS is_limited,
        given.customer_id IN (SELECT objected.customer_id FROM objected) AS has_objected
    FROM given
    WHERE NOT EXISTS (
        SELECT FROM customers_customerabsence AS absence
        WHERE absence.workspace_id = :workspace_id AND absence.customer_id = given.customer_id
          AND absence.since <= :at AND (absence.until IS NULL OR absence.until > :at)
    )
)
SELECT
    count(*) FILTER (WHERE NOT is_limited AND NOT has_objected),
    count(*) FILTER (WHERE is_limited),
    count(*) FILTER (WHERE has_objected)
FROM counted
