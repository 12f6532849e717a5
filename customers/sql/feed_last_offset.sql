{% from "customers/sql/feed_filter.sql" import matches_filter with context %}
-- The greatest offset of the changes that match a filter.
SELECT change.feed_offset FROM customers_change AS change
WHERE {{ matches_filter() }}
ORDER BY change.feed_offset DESC LIMIT 1
