{% from "customers/sql/change_feed.sql" import note_changes %}
-- Updates the sizes of segments, and their sizes by day, after customers entered and left; writes the logged
-- changes, also into the update stream.
WITH sized AS (
    UPDATE segments_segment AS segment
    SET size = greatest(segment.size + moved.entered - moved.departed, 0)
    FROM unnest(
        :segments::uuid[], :entered::bigint[], :departed::bigint[], :logged_entered::bigint[],
        :logged_departed::bigint[]
    ) AS moved (segment_id, entered, departed, logged_entered, logged_departed)
    WHERE segment.workspace_id = :workspace_id AND segment.id = moved.segment_id
    RETURNING segment.id, segment.node_id, segment.size, moved.logged_entered, moved.logged_departed
),
of_day AS (
    INSERT INTO segments_sizeofday (workspace_id, segment_id, day, size, entered, departed)
    SELECT :workspace_id, sized.id, :day, sized.size, sized.logged_entered, sized.logged_departed FROM sized
    ON CONFLICT (workspace_id, segment_id, day) DO UPDATE
    SET size = excluded.size, entered = segments_sizeofday.entered + excluded.entered,
        departed = segments_sizeofday.departed + excluded.departed
),
logged AS (
    INSERT INTO segments_membershipchange
        (workspace_id, id, segment_id, node_id, customer_id, has_entered, changed_at)
    SELECT
        :workspace_id, logged.id, logged.segment_id, sized.node_id, logged.customer_id,
        logged.has_entered, :now
    FROM unnest(
        :logged_ids::uuid[], :logged_segments::uuid[], :logged_customers::uuid[],
        :logged_directions::boolean[]
    ) AS logged (id, segment_id, customer_id, has_entered)
    JOIN sized ON sized.id = logged.segment_id
    RETURNING workspace_id, node_id, id, changed_at
)
{{ note_changes("logged", "SEGMENT", "CREATE", at="changed_at") }}
RETURNING id
