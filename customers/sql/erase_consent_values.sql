-- That a consent was given or withdrawn remains; the words of a disclaimer do not, and the hash of who the
-- person was becomes one that needs the installation's key.
WITH known AS (
    SELECT * FROM unnest(:keys::bytea[], :keyed_hashes::bytea[]) AS known (match_key, keyed_hash)
),
erased AS (
    UPDATE customers_consentlogentry AS entry
    SET value = CASE WHEN entry.value IN ('true', 'false') THEN entry.value END,
        match_key = coalesce(
            (SELECT known.keyed_hash FROM known WHERE known.match_key = entry.match_key), entry.match_key
        )
    WHERE entry.customer_id = ANY(:ids::uuid[]) AND entry.workspace_id = :workspace_id
      AND (
          entry.value NOT IN ('true', 'false')
          OR entry.match_key IN (SELECT known.match_key FROM known)
      )
    RETURNING entry.id
)
SELECT count(*) FROM erased
