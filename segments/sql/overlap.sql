-- How many customers are in exactly which of some segments.
SELECT member.segments, count(*)
FROM (
    SELECT array_agg(one.segment_id ORDER BY one.segment_id) AS segments
    FROM segments_member AS one
    WHERE one.workspace_id = :workspace_id AND one.segment_id = ANY(:segments::uuid[])
    GROUP BY one.customer_id
) AS member
GROUP BY member.segments
