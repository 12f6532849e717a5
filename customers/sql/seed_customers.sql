{% from "customers/sql/change_feed.sql" import note_changes %}
-- Customers of the temporary table `seeded`, with their changes.
WITH customer AS (
    INSERT INTO customers_customer
        (id, workspace_id, node_id, external_id, enabled, version, deleted, registered_at,
         updated_at, match_key, base, consents, extended, tags, registered_by, updated_by)
    SELECT id, :workspace_id, :node_id, external_id, TRUE, 1, 0, registered_at,
           registered_at, match_key, base, consents, '{}', tags, 'seed', 'seed'
    FROM seeded
    ON CONFLICT (workspace_id, node_id, match_key) WHERE deleted = 0 DO NOTHING
    RETURNING id, workspace_id, node_id
)
{{ note_changes("customer", "CUSTOMER", "CREATE", at="statement_timestamp()") }}
