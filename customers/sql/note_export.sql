-- Note in the consent log that a person asked for their data.
INSERT INTO customers_consentlogentry
    (workspace_id, node_id, customer_id, match_key, date, type, source_id, user_id)
SELECT workspace_id, node_id, id, match_key, date_trunc('milliseconds', statement_timestamp()),
       'DATA_PORTABILITY_REQUESTED', :source_id::uuid, :user_id::bigint
FROM customers_customer
WHERE id = :id AND workspace_id = :workspace_id AND deleted = 0
RETURNING id
