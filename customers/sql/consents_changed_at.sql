-- When each property of customers' consents was changed last.
SELECT DISTINCT ON (customer_id, property) customer_id, property, date
FROM customers_consentlogentry
WHERE workspace_id = :workspace_id AND customer_id = ANY(:ids::uuid[]) AND property IS NOT NULL
ORDER BY customer_id, property, id DESC
