{% from "customers/sql/customers_in_node.sql" import in_node %}
-- Customers of the node who fit a condition now go on the list of a static segment, and are to be evaluated.
-- How many are new on it.
WITH customer AS (
    SELECT customer.id FROM customers_customer AS customer
    WHERE {{ in_node() }} AND (:condition)
    ORDER BY customer.id FOR KEY SHARE
),
listed AS (
    INSERT INTO segments_listedcustomer (workspace_id, segment_id, customer_id)
    SELECT :workspace_id, :segment_id, customer.id FROM customer
    ON CONFLICT DO NOTHING
    RETURNING customer_id
),
pending AS (
    INSERT INTO segments_pendingcustomer (workspace_id, customer_id)
    SELECT :workspace_id, listed.customer_id FROM listed
)
SELECT count(*) FROM listed
