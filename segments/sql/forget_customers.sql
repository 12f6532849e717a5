-- Customers go from everything that is kept of segments; that these are smaller now is noted for whoever
-- evaluates them. How many rows of each table went.
WITH member AS (
    DELETE FROM segments_member WHERE workspace_id = :workspace_id AND customer_id = ANY(:ids::uuid[])
    RETURNING segment_id
),
noted AS (
    INSERT INTO segments_pendingcustomer (workspace_id, segment_id)
    SELECT :workspace_id, member.segment_id FROM member
),
listed AS (
    DELETE FROM segments_listedcustomer
    WHERE workspace_id = :workspace_id AND customer_id = ANY(:ids::uuid[])
    RETURNING segment_id
),
due AS (
    DELETE FROM segments_dueevaluation
    WHERE workspace_id = :workspace_id AND customer_id = ANY(:ids::uuid[])
    RETURNING segment_id
),
change AS (
    DELETE FROM segments_membershipchange
    WHERE workspace_id = :workspace_id AND customer_id = ANY(:ids::uuid[])
    RETURNING segment_id
)
SELECT (SELECT count(*) FROM member), (SELECT count(*) FROM listed), (SELECT count(*) FROM due),
       (SELECT count(*) FROM change)
