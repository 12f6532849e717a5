{% from "analytics/sql/late.sql" import zone %}
-- The time zone by which the days of a workspace are counted.
{{ zone() }}
