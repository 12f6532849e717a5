{% from "analytics/sql/pending_counts.sql" import zone %}
-- The time zone by which the days of a workspace are counted.
{{ zone() }}
