{% from "customers/sql/customer_writes.sql" import given_documents, many_recorded %}
-- Customers with their changes and their lines in the consent log, but those the node has already.
WITH given AS ({{ given_documents() }}),
customer AS (
    INSERT INTO customers_customer
        (id, workspace_id, node_id, external_id, enabled, version, deleted, registered_at,
         updated_at, match_key, base, consents, extended, tags, extra, registered_by, updated_by)
    SELECT id, :workspace_id, :node_id, external_id, enabled, 1, 0, moment.now, moment.now,
           match_key, base::jsonb, consents::jsonb, extended::jsonb, tags::jsonb, extra,
           :author, :author
    FROM given,
         (SELECT date_trunc('milliseconds', clock_timestamp()) AS now) AS moment
    ON CONFLICT (node_id, match_key) WHERE deleted = 0 DO NOTHING
    RETURNING id, workspace_id, node_id, match_key, updated_at
),
{{ many_recorded("CREATE") }}
SELECT count(*) FROM customer
