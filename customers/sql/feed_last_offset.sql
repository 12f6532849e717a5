{% from "customers/sql/feed_filter.sql" import is_wanted with context %}
-- The greatest offset of the changes that are wanted.
SELECT change.feed_offset FROM customers_change AS change
WHERE {{ is_wanted() }}
ORDER BY change.feed_offset DESC LIMIT 1
