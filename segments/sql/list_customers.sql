{% from "customers/sql/customers_in_node.sql" import in_node %}
-- Customers of the node go on the list of a static segment, and are to be evaluated. Those that are there,
-- and whether they are new on the list; who was listed by a merge stays when that is undone.
WITH customer AS (
    SELECT customer.id FROM customers_customer AS customer
    WHERE {{ in_node() }} AND customer.id = ANY(:ids::uuid[])
    ORDER BY customer.id FOR KEY SHARE
),
chosen AS (
    UPDATE segments_listedcustomer AS listed SET merge_id = NULL
    WHERE listed.workspace_id = :workspace_id AND listed.segment_id = :segment_id
      AND listed.customer_id IN (SELECT id FROM customer) AND listed.merge_id IS NOT NULL
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
SELECT customer.id, listed.customer_id IS NOT NULL
FROM customer LEFT JOIN listed ON listed.customer_id = customer.id
