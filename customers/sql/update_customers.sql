{% from "customers/sql/customer_writes.sql" import given_documents, many_recorded, set_document %}
-- Customers with their changes and their lines in the consent log; their rows are locked already.
WITH given AS ({{ given_documents() }}),
customer AS (
    UPDATE customers_customer
    SET {{ set_document() }}, version = version + 1,
        updated_at = date_trunc('milliseconds', clock_timestamp()), updated_by = :author
    FROM given WHERE customers_customer.id = given.id
    RETURNING customers_customer.id, workspace_id, node_id, customers_customer.match_key,
              updated_at
),
{{ many_recorded("UPDATE") }}
SELECT count(*) FROM customer
