-- That a consent was given or withdrawn remains; the words of a disclaimer do not.
WITH erased AS (
    UPDATE customers_consentlogentry SET value = NULL
    WHERE customer_id = :customer_id AND workspace_id = :workspace_id AND value NOT IN ('true', 'false')
    RETURNING id
)
SELECT count(*) FROM erased
