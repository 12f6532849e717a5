{% from "customers/sql/change_feed.sql" import note_changes %}
{% from "customers/sql/customer_row.sql" import row_as_json %}
-- Customers that a merge has taken away are there again, with what was stored of each (`rows`) and the
-- sessions that were theirs, as far as the survivor still has them.
WITH given AS (
    SELECT * FROM json_to_recordset(:rows::text::json) AS given (
        id uuid, match_key bytea, external_id text, enabled boolean, extra text, base jsonb,
        consents jsonb, extended jsonb, tags jsonb, sessions uuid[]
    )
),
customer AS (
    UPDATE customers_customer AS stored
    SET deleted = 0, match_key = given.match_key, external_id = given.external_id,
        enabled = given.enabled, extra = given.extra, base = given.base, consents = given.consents,
        extended = given.extended, tags = given.tags, version = stored.version + 1,
        updated_by = :author, updated_at = date_trunc('milliseconds', statement_timestamp())
    FROM given
    WHERE stored.workspace_id = :workspace_id AND stored.id = given.id AND stored.deleted = -1
    RETURNING stored.*
),
session AS (
    UPDATE customers_session AS session SET customer_id = given.id
    FROM given
    WHERE session.workspace_id = :workspace_id AND session.id = ANY(given.sessions)
      AND session.customer_id = :survivor_id
    RETURNING session.id
),
history AS (
    INSERT INTO customers_valuechange
        (workspace_id, node_id, customer_id, version, changed_at, author, cause, merge_id, before)
    SELECT workspace_id, node_id, id, version, updated_at, updated_by, 'UNDO', :merge_id::uuid, '{}'
    FROM customer WHERE :keeps_history::boolean
),
change AS (
    {{ note_changes("customer ORDER BY id", "CUSTOMER", "CREATE") }}
),
pending AS (
    INSERT INTO customers_pendingmerge (workspace_id, entry_id)
    SELECT customer.workspace_id, customer.id
    FROM customer JOIN configuration_node AS node ON node.id = customer.node_id
    WHERE node.workspace_id = :workspace_id AND node.is_aggregated
)
SELECT {{ row_as_json("customer") }}, (SELECT count(*) FROM session) FROM customer ORDER BY customer.id
