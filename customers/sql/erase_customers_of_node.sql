{% from "customers/sql/change_feed.sql" import note_changes %}
-- Rows of a node go and their deletion is in the feed: one statement, so never one without the other.
WITH batch AS (
    SELECT id FROM customers_customer
    WHERE workspace_id = :workspace_id AND node_id = :node_id
    LIMIT :limit FOR UPDATE SKIP LOCKED
),
sessions AS (
    DELETE FROM customers_session
    WHERE workspace_id = :workspace_id AND customer_id = ANY(array(SELECT id FROM batch))
),
pins AS (
    DELETE FROM customers_aggregatepin
    WHERE workspace_id = :workspace_id AND customer_id = ANY(array(SELECT id FROM batch))
),
value_changes AS (
    DELETE FROM customers_valuechange
    WHERE workspace_id = :workspace_id AND customer_id = ANY(array(SELECT id FROM batch))
),
matching_keys AS (
    DELETE FROM customers_matchingkey
    WHERE workspace_id = :workspace_id AND customer_id = ANY(array(SELECT id FROM batch))
),
blocking_keys AS (
    DELETE FROM customers_blockingkey
    WHERE workspace_id = :workspace_id AND customer_id = ANY(array(SELECT id FROM batch))
),
hidden_sessions AS (
    DELETE FROM customers_deletedsession AS session USING batch
    WHERE session.customer_id = batch.id AND session.workspace_id = :workspace_id
),
members AS (
    DELETE FROM customers_aggregatemember
    WHERE workspace_id = :workspace_id
      AND (entry_id = ANY(array(SELECT id FROM batch)) OR aggregate_id = ANY(array(SELECT id FROM batch)))
    RETURNING workspace_id, aggregate_node_id, match_key
),
pending AS (
    INSERT INTO customers_pendingmerge (workspace_id, aggregate_node_id, match_key)
    SELECT DISTINCT workspace_id, aggregate_node_id, match_key FROM members
    WHERE aggregate_node_id <> :node_id
),
removed AS (
    DELETE FROM customers_customer
    WHERE workspace_id = :workspace_id AND id = ANY(array(SELECT id FROM batch))
    RETURNING id, workspace_id, node_id, deleted
),
change AS (
    {{ note_changes("removed WHERE deleted = 0", "CUSTOMER", "DELETE", at="statement_timestamp()") }}
)
SELECT count(*) FROM removed
