-- The size of a segment as it is kept, and the number of its members.
SELECT segment.size, (
    SELECT count(*) FROM segments_member AS member
    WHERE member.workspace_id = :workspace_id AND member.segment_id = segment.id
)
FROM segments_segment AS segment
WHERE segment.workspace_id = :workspace_id AND segment.id = :segment_id
