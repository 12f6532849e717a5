{% from "customers/sql/change_feed.sql" import note_changes %}
-- Rows of a node go and their deletion is in the feed: one statement, so never one without the other.
WITH doomed AS (
    SELECT id FROM customers_customer
    WHERE workspace_id = :workspace_id AND node_id = :node_id
    LIMIT :limit FOR UPDATE SKIP LOCKED
),
sessions AS (
    DELETE FROM customers_session USING doomed WHERE customer_id = doomed.id
),
members AS (
    DELETE FROM customers_aggregatemember USING doomed
    WHERE entry_id = doomed.id OR aggregate_id = doomed.id
    RETURNING workspace_id, aggregate_node_id, match_key
),
pending AS (
    INSERT INTO customers_pendingmerge (workspace_id, aggregate_node_id, match_key)
    SELECT DISTINCT workspace_id, aggregate_node_id, match_key FROM members
    WHERE aggregate_node_id <> :node_id
),
gone AS (
    DELETE FROM customers_customer WHERE id = ANY(array(SELECT id FROM doomed))
    RETURNING id, workspace_id, node_id, deleted
),
change AS (
    {{ note_changes("gone WHERE deleted = 0", "CUSTOMER", "DELETE", at="clock_timestamp()") }}
)
SELECT count(*) FROM gone
