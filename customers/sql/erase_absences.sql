-- Delete a batch of a deleted workspace's absences of customers.
DELETE FROM customers_customerabsence
WHERE workspace_id = :workspace_id AND (customer_id, since) IN (
    SELECT customer_id, since
    FROM customers_customerabsence
    WHERE workspace_id = :workspace_id
    LIMIT :limit
)
RETURNING customer_id
