-- Those of the customers that have no events, and of whom nothing is kept about segments.
SELECT customer.id FROM customers_customer AS customer
WHERE customer.workspace_id = :workspace_id AND customer.id = ANY(:ids::uuid[])
    AND NOT EXISTS (
        SELECT FROM events_event AS event
        WHERE event.workspace_id = :workspace_id AND event.customer_id = customer.id
    )
    AND NOT EXISTS (
        SELECT FROM segments_member AS member
        WHERE member.workspace_id = :workspace_id AND member.customer_id = customer.id
    )
    AND NOT EXISTS (
        SELECT FROM segments_dueevaluation AS due
        WHERE due.workspace_id = :workspace_id AND due.customer_id = customer.id
    )
