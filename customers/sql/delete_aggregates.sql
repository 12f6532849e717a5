{% from "customers/sql/change_feed.sql" import note_changes %}
-- Customers of an aggregate node. A copy is nobody's record: nothing of it remains.
WITH members AS (
    UPDATE customers_aggregatemember SET aggregate_id = NULL
    WHERE workspace_id = :workspace_id AND aggregate_id = ANY(:ids::uuid[])
),
sessions AS (
    DELETE FROM customers_session WHERE workspace_id = :workspace_id AND customer_id = ANY(:ids::uuid[])
),
customer AS (
    DELETE FROM customers_customer
    WHERE id = ANY(:ids::uuid[]) AND workspace_id = :workspace_id
    RETURNING id, workspace_id, node_id
),
change AS (
    {{ note_changes("customer ORDER BY id", "CUSTOMER", "DELETE", at="statement_timestamp()") }}
)
SELECT count(*) FROM customer
