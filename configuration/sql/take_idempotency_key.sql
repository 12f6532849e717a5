-- A second request with the key waits here until the first one's transaction has ended. A key that
-- was taken before the installation's key was changed is found by the hash under the older one.
INSERT INTO configuration_idempotencykey (
    workspace_id, author, key_hash, request_hash, entities, created_at
)
SELECT
    :workspace_id::uuid, :author::text, :key_hash::bytea, :request_hash::bytea, '{}',
    statement_timestamp()
WHERE NOT EXISTS (
    SELECT FROM configuration_idempotencykey
    WHERE workspace_id = :workspace_id AND author = :author
      AND key_hash = ANY(:older_hashes::bytea[])
)
ON CONFLICT (workspace_id, author, key_hash) DO NOTHING
RETURNING created_at
