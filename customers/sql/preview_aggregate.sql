-- Of the customers of entry nodes: how many there are, how many a condition on `customer` leaves out, how
-- many of the others have no key, and how many persons these keys stand for.
SELECT
    count(*),
    count(*) FILTER (WHERE entry.is_excluded),
    count(*) FILTER (WHERE NOT entry.is_excluded AND entry.match_key IS NULL),
    count(DISTINCT entry.match_key) FILTER (WHERE NOT entry.is_excluded)
FROM (
    SELECT
        customer.match_key,
        (:excluded) IS TRUE AS is_excluded
    FROM customers_customer AS customer
    WHERE customer.workspace_id = :workspace_id AND customer.deleted = 0
        AND customer.node_id = ANY(:nodes::uuid[])
) AS entry
