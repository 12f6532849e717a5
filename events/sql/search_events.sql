{% from "customers/sql/page_of_rows.sql" import rows_and_last with context %}
-- A page of events whose ids `:page` selects in order, how many match, `:most` at most, and how many there
-- are of those that no counter counts.
WITH page AS (
    SELECT found.id, row_number() OVER () AS position
    FROM (:page) AS found -- noqa: PRS
)
SELECT
    CASE WHEN :is_counted THEN (
        SELECT count(*) FROM (
            SELECT 1 FROM events_event AS event WHERE :condition LIMIT :most
        ) AS counted
    ) END,
    CASE WHEN :has_uncounted THEN (SELECT count(*) FROM events_event AS event WHERE :uncounted) END,
    {{ rows_and_last("events_event", "event") }}
