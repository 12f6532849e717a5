{% from "customers/sql/change_feed.sql" import note_changes %}
-- What stays of a customer is a tombstone: an id, when it came and when it went. An empty key is none.
WITH person AS (
    SELECT * FROM unnest(:ids::uuid[], :keys::bytea[]) AS person (id, match_key)
),
live AS MATERIALIZED (
    SELECT id FROM customers_customer
    WHERE id IN (SELECT id FROM person) AND workspace_id = :workspace_id AND deleted = 0
),
customer AS (
    UPDATE customers_customer AS stored
    SET deleted = -1, match_key = NULL, former_key = NULL, former_keys = NULL,
        external_id = NULL, extra = NULL, enabled = FALSE,
        base = '{}', consents = '{}', extended = '{}', tags = '{}', version = stored.version + 1,
        updated_by = :author, updated_at = date_trunc('milliseconds', statement_timestamp())
    FROM person
    WHERE stored.id = person.id AND stored.workspace_id = :workspace_id AND stored.deleted <> -1
    RETURNING stored.id, stored.workspace_id, stored.node_id, stored.updated_at,
              nullif(person.match_key, '') AS match_key
),
change AS (
    {{ note_changes("customer WHERE id IN (SELECT id FROM live) ORDER BY id", "CUSTOMER", "DELETE") }}
),
logged AS (
    INSERT INTO customers_consentlogentry
        (workspace_id, node_id, customer_id, match_key, date, type, source_id, user_id)
    SELECT workspace_id, node_id, id, match_key, updated_at, 'FORCED_DELETE',
        :source_id::uuid, :user_id::bigint
    FROM customer WHERE :is_logged::boolean ORDER BY id
)
SELECT count(*) FROM customer
