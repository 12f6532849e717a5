-- Of each person of an aggregate node the members that count, `:most` of each: last changed, then last
-- made, first.
SELECT person.match_key, member.entry_id
FROM unnest(:keys::bytea[]) AS person (match_key), LATERAL (
    SELECT entry_id FROM customers_aggregatemember
    WHERE workspace_id = :workspace_id AND aggregate_node_id = :node_id AND match_key = person.match_key
    ORDER BY changed_at DESC, entry_id DESC LIMIT :most
) AS member
