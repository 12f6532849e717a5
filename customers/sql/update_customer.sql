{% from "customers/sql/customer_writes.sql" import recorded %}
-- A customer with its change and its lines in the consent log; the row is locked already.
WITH node AS (
    SELECT is_aggregated FROM configuration_node
    WHERE id = (SELECT node_id FROM customers_customer WHERE id = :id)
),
customer AS (
    UPDATE customers_customer
    SET external_id = :external_id, enabled = :enabled, version = version + 1,
        updated_at = date_trunc('milliseconds', clock_timestamp()), match_key = :match_key,
        base = :base::jsonb, consents = :consents::jsonb, extended = :extended::jsonb,
        tags = :tags::jsonb, extra = :extra, updated_by = :author
    WHERE id = :id AND workspace_id = :workspace_id
    RETURNING id, workspace_id, node_id, match_key, updated_at, version
),
{{ recorded("UPDATE") }}
SELECT version, updated_at FROM customer
