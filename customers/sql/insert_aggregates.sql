{% from "customers/sql/change_feed.sql" import note_changes %}
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
    INSERT INTO customers_customer
        (id, workspace_id, node_id, external_id, enabled, version, deleted, registered_at,
         updated_at, match_key, base, consents, extended, tags, extra, registered_by, updated_by)
    SELECT id, :workspace_id, :node_id, external_id, enabled, 1, 0, registered_at,
           date_trunc('milliseconds', clock_timestamp()), match_key, base::jsonb, consents::jsonb,
           extended::jsonb, tags::jsonb, extra, registered_by, updated_by
    FROM given
    RETURNING id, workspace_id, node_id
),
change AS (
    {{ note_changes("customer ORDER BY id", "CUSTOMER", "CREATE", at="clock_timestamp()") }}
)
SELECT count(*) FROM customer
