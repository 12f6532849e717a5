{% from "customers/sql/change_feed.sql" import note_changes %}
-- What stays of a customer is a tombstone: an id, when it came and when it went.
WITH customer AS (
    UPDATE customers_customer
    SET deleted = -1, match_key = NULL, external_id = NULL, extra = NULL, enabled = FALSE,
        base = '{}', consents = '{}', extended = '{}', tags = '{}', version = version + 1,
        updated_by = :author, updated_at = date_trunc('milliseconds', clock_timestamp())
    WHERE id = :id AND workspace_id = :workspace_id
    RETURNING id, workspace_id, node_id, updated_at
),
change AS (
    {{ note_changes("customer WHERE :was_live::boolean", "CUSTOMER", "DELETE") }}
)
INSERT INTO customers_consentlogentry
    (workspace_id, node_id, customer_id, match_key, date, type, source_id, user_id)
SELECT workspace_id, node_id, id, :match_key::bytea, updated_at, 'FORCED_DELETE',
       :source_id::uuid, :user_id::bigint
FROM customer RETURNING id
