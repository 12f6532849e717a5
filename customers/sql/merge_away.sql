{% from "customers/sql/change_feed.sql" import note_changes %}
-- Customers whose data goes to another one: what stays of each is a tombstone, as of one who was forgotten.
-- Their sessions move. The ids of those who went.
WITH removed AS (
    UPDATE customers_customer
    SET deleted = -1, match_key = NULL, external_id = NULL, extra = NULL, enabled = FALSE, base = '{}',
        consents = '{}', extended = '{}', tags = '{}', version = version + 1, updated_by = :author,
        updated_at = date_trunc('milliseconds', statement_timestamp())
    WHERE workspace_id = :workspace_id AND id = ANY(:ids::uuid[]) AND deleted = 0
    RETURNING id, workspace_id, node_id, updated_at, version, updated_by
),
session AS (
    UPDATE customers_session SET customer_id = :survivor_id
    WHERE workspace_id = :workspace_id AND customer_id IN (SELECT id FROM removed)
),
keys AS (
    DELETE FROM customers_matchingkey
    WHERE workspace_id = :workspace_id AND customer_id = ANY(:ids::uuid[])
),
pending AS (
    INSERT INTO customers_pendingmerge (workspace_id, entry_id)
    SELECT removed.workspace_id, removed.id FROM removed
    JOIN configuration_node AS node ON node.id = removed.node_id
    WHERE node.workspace_id = :workspace_id AND node.is_aggregated
),
history AS (
    INSERT INTO customers_valuechange
        (workspace_id, node_id, customer_id, version, changed_at, author, cause, before)
    SELECT workspace_id, node_id, id, version, updated_at, updated_by, 'MERGE', '{}' FROM removed
    WHERE :keeps_history::boolean
),
change AS (
    {{ note_changes("removed ORDER BY id", "CUSTOMER", "DELETE") }}
)
SELECT id FROM removed
