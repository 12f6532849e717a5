{% from "customers/sql/feed_filter.sql" import matches_filter with context %}
-- Count and hash of the changes up to an offset (see `customers.queries.feed.Digest`).
SELECT feed.last_offset, feed.trimmed_to, digest.count, digest.hash
FROM customers_feed AS feed,
LATERAL (
    SELECT count(*) AS count,
           encode(sha256(convert_to(coalesce(string_agg(
               format(E'%s %s %s\n', feed_offset, entity_id, operation), ''
               ORDER BY feed_offset
           ), ''), 'UTF8')), 'hex') AS hash
    FROM customers_change AS change
    WHERE {{ matches_filter() }} AND change.feed_offset <= :last
) AS digest
WHERE feed.workspace_id = :workspace_id
