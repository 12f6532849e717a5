{% from "customers/sql/change_feed.sql" import note_changes %}
{% from "customers/sql/customer_writes.sql" import note_pending_merges %}
-- Mark a customer as deleted and release its key; its data stays until it is forgotten.
WITH customer AS (
    UPDATE customers_customer
    SET deleted = 1, match_key = NULL, version = version + 1, updated_by = :author,
        updated_at = date_trunc('milliseconds', clock_timestamp())
    WHERE id = :id AND workspace_id = :workspace_id AND deleted = 0
    RETURNING id, workspace_id, node_id, updated_at
),
change AS (
    {{ note_changes("customer", "CUSTOMER", "DELETE") }}
),
pending AS (
    {{ note_pending_merges() }}
)
SELECT id FROM customer
