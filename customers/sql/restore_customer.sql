{% from "customers/sql/change_feed.sql" import note_changes %}
{% from "customers/sql/customer_row.sql" import row_as_json %}
-- A deleted customer is there again, under the key that its node gives it now. Sessions whose value another
-- customer has taken meanwhile stay away for good. The row, and the values of the sessions.
WITH customer AS (
    UPDATE customers_customer
    SET deleted = 0, match_key = :match_key::bytea, former_key = NULL, former_keys = NULL,
        version = version + 1, updated_by = :author,
        updated_at = date_trunc('milliseconds', statement_timestamp())
    WHERE id = :id AND workspace_id = :workspace_id AND deleted = 1
    RETURNING *
),
hidden AS (
    DELETE FROM customers_deletedsession
    WHERE workspace_id = :workspace_id AND customer_id IN (SELECT customer.id FROM customer)
    RETURNING *
),
session AS (
    INSERT INTO customers_session (id, workspace_id, node_id, customer_id, value, registered_by)
    SELECT id, workspace_id, node_id, customer_id, value, registered_by FROM hidden ORDER BY value
    ON CONFLICT DO NOTHING
    RETURNING value
),
history AS (
    INSERT INTO customers_valuechange
        (workspace_id, node_id, customer_id, version, changed_at, author, cause, before)
    SELECT workspace_id, node_id, id, version, updated_at, updated_by, 'RESTORE', '{}' FROM customer
    WHERE :keeps_history::boolean
),
change AS (
    {{ note_changes("customer", "CUSTOMER", "CREATE") }}
),
pending AS (
    INSERT INTO customers_pendingmerge (workspace_id, entry_id)
    SELECT customer.workspace_id, customer.id
    FROM customer JOIN configuration_node AS node ON node.id = customer.node_id
    WHERE node.workspace_id = :workspace_id AND node.is_aggregated
)
SELECT {{ row_as_json("customer") }}, (SELECT coalesce(array_agg(value), '{}') FROM session) FROM customer
