-- Entry customers that are members of an aggregate node: with their keys, and linked to the customers with
-- those. A member whose customer is yet to be made stays linked to the one it had.
INSERT INTO customers_aggregatemember AS member
    (workspace_id, aggregate_node_id, entry_id, match_key, changed_at, aggregate_id)
SELECT :workspace_id, :node_id, given.entry_id, given.match_key, given.changed_at, customer.id
FROM unnest(:entries::uuid[], :keys::bytea[], :changed_ats::timestamptz[])
    AS given (entry_id, match_key, changed_at)
LEFT JOIN customers_customer AS customer
    ON customer.workspace_id = :workspace_id AND customer.node_id = :node_id
    AND customer.match_key = given.match_key AND customer.deleted = 0
ON CONFLICT (workspace_id, entry_id, aggregate_node_id) DO UPDATE
SET match_key = EXCLUDED.match_key, changed_at = EXCLUDED.changed_at,
    aggregate_id = coalesce(EXCLUDED.aggregate_id, member.aggregate_id)
WHERE (member.match_key, member.changed_at) IS DISTINCT FROM (EXCLUDED.match_key, EXCLUDED.changed_at)
RETURNING entry_id
