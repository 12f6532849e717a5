{% from "customers/sql/change_feed.sql" import note_changes %}
-- Rows of a node go and their deletion is in the feed: one statement, so never one without the other.
WITH doomed AS (
    SELECT id FROM customers_customer
    WHERE workspace_id = :workspace_id AND node_id = :node_id
    LIMIT :limit FOR UPDATE SKIP LOCKED
),
sessions AS (
    DELETE FROM customers_session
    WHERE workspace_id = :workspace_id AND customer_id = ANY(array(SELECT id FROM doomed))
),
pins AS (
    DELETE FROM customers_aggregatepin
    WHERE workspace_id = :workspace_id AND customer_id = ANY(array(SELECT id FROM doomed))
),
value_changes AS (
    DELETE FROM customers_valuechange
    WHERE workspace_id = :workspace_id AND customer_id = ANY(array(SELECT id FROM doomed))
),
matching_keys AS (
    DELETE FROM customers_matchingkey
    WHERE workspace_id = :workspace_id AND customer_id = ANY(array(SELECT id FROM doomed))
),
blocking_keys AS (
    DELETE FROM customers_blockingkey
    WHERE workspace_id = :workspace_id AND customer_id = ANY(array(SELECT id FROM doomed))
),
hidden_sessions AS (
    DELETE FROM customers_deletedsession AS session USING doomed
    WHERE session.customer_id = doomed.id AND session.workspace_id = :workspace_id
),
members AS (
    DELETE FROM customers_aggregatemember
    WHERE workspace_id = :workspace_id
      AND (entry_id = ANY(array(SELECT id FROM doomed)) OR aggregate_id = ANY(array(SELECT id FROM doomed)))
    RETURNING workspace_id, aggregate_node_id, match_key
),
pending AS (
    INSERT INTO customers_pendingmerge (workspace_id, aggregate_node_id, match_key)
    SELECT DISTINCT workspace_id, aggregate_node_id, match_key FROM members
    WHERE aggregate_node_id <> :node_id
),
gone AS (
    DELETE FROM customers_customer
    WHERE workspace_id = :workspace_id AND id = ANY(array(SELECT id FROM doomed))
    RETURNING id, workspace_id, node_id, deleted
),
change AS (
    {{ note_changes("gone WHERE deleted = 0", "CUSTOMER", "DELETE", at="statement_timestamp()") }}
)
SELECT count(*) FROM gone
