{% from "customers/sql/customer_writes.sql" import open_node, recorded %}
-- A customer with its change and its lines in the consent log, if the node is open and has no such person.
WITH node AS ({{ open_node() }}),
customer AS (
    INSERT INTO customers_customer
        (id, workspace_id, node_id, external_id, enabled, version, deleted, registered_at,
         updated_at, match_key, base, consents, extended, tags, extra, registered_by, updated_by)
    SELECT :id, workspace_id, id, :external_id, :enabled, 1, 0, now,
           now, :match_key, :base::jsonb, :consents::jsonb, :extended::jsonb,
           :tags::jsonb, :extra, :author, :author
    FROM node
    ON CONFLICT (node_id, match_key) WHERE deleted = 0 DO NOTHING
    RETURNING id, int_id, workspace_id, node_id, match_key, updated_at
),
{{ recorded("CREATE") }}
SELECT (SELECT count(*) FROM node), customer.int_id, customer.updated_at
FROM (SELECT) AS one LEFT JOIN customer ON TRUE
