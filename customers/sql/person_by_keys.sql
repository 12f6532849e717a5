{% from "customers/sql/matching_keys.sql" import person %}
-- The live customer that a node recognises by its rules, by the keys of a document.
WITH asked_for AS (
    SELECT :node_id::uuid AS node_id, :match_key::bytea AS match_key, :keys::text::json AS keys
)
SELECT person.id
FROM asked_for
CROSS JOIN LATERAL ({{ person(":workspace_id::uuid", "asked_for", true) }}) AS person
