-- The latest line about each consent of some customers, as of a moment; and the version of the
-- disclaimer that the same customer had read by then.
SELECT DISTINCT ON (line.property)
    line.property, line.value, line.date, line.type, line.source_id, line.user_id, line.id,
    line.customer_id, (
        SELECT version.value FROM customers_consentlogentry AS version
        WHERE version.customer_id = line.customer_id AND version.workspace_id = :workspace_id
          AND version.property = 'consents.disclaimer.version' AND version.date <= line.date
        ORDER BY version.date DESC, version.id DESC LIMIT 1
    )
FROM customers_consentlogentry AS line
WHERE line.customer_id = ANY(:customers::uuid[]) AND line.workspace_id = :workspace_id
  AND line.property IS NOT NULL AND line.date <= :at
ORDER BY line.property, line.date DESC, line.id DESC
