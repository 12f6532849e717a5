-- Customers that are connected by open pairs with each of some customers, as many as `most`.
WITH RECURSIVE member AS (
    SELECT root.id AS root, root.id FROM unnest(:ids::uuid[]) AS root (id)
    UNION
    SELECT member.root, next.id FROM member
    CROSS JOIN LATERAL (
        SELECT pair.second_id AS id FROM customers_duplicatepair AS pair
        WHERE pair.workspace_id = :workspace_id AND pair.first_id = member.id AND pair.state = 'OPEN'
        UNION ALL
        SELECT pair.first_id FROM customers_duplicatepair AS pair
        WHERE pair.workspace_id = :workspace_id AND pair.second_id = member.id AND pair.state = 'OPEN'
    ) AS next
)
SELECT root, id FROM member LIMIT :most
