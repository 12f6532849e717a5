{% from "customers/sql/change_feed.sql" import note_changes %}
{% from "customers/sql/customer_writes.sql" import set_document %}
-- Customers of an aggregate node, with their changes.
WITH given AS (
    SELECT * FROM unnest(
        :ids::uuid[], :keys::bytea[], :external_ids::text[], :enableds::boolean[],
        :extras::text[], :bases::text[], :consents::text[], :extendeds::text[],
        :tags::text[], :registered_ats::timestamptz[], :registered_bys::text[],
        :updated_bys::text[]
    ) AS given (id, match_key, external_id, enabled, extra, base, consents, extended, tags,
                registered_at, registered_by, updated_by)
),
customer AS (
    UPDATE customers_customer
    SET {{ set_document() }},
        registered_at = given.registered_at, registered_by = given.registered_by,
        updated_by = given.updated_by, version = version + 1,
        updated_at = date_trunc('milliseconds', clock_timestamp())
    FROM given WHERE customers_customer.id = given.id
    RETURNING customers_customer.id, workspace_id, node_id
),
change AS (
    {{ note_changes("customer ORDER BY id", "CUSTOMER", "UPDATE", at="clock_timestamp()") }}
)
SELECT count(*) FROM customer
