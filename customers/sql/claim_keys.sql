{% from "customers/sql/matching_keys.sql" import claims %}
-- Live customers get the keys that further rules of their node give them (`rows`: id and keys of each).
WITH given AS MATERIALIZED (
    SELECT * FROM json_to_recordset(:rows::text::json) AS given (id uuid, keys json)
),
customer AS (
    SELECT customer.id, customer.node_id FROM customers_customer AS customer
    WHERE customer.workspace_id = :workspace_id AND customer.id IN (SELECT given.id FROM given)
      AND customer.deleted = 0
),
{{ claims(":workspace_id::uuid") }}
SELECT count(*) FROM claimed
