-- A second request with the key waits here until the first one's transaction has ended. A key that
-- was taken before the installation's key was changed is found by the hash under the older one.
INSERT INTO events_idempotencykey (
    workspace_id, author, key_hash, body_hash, events, created_at
)
SELECT :workspace_id::uuid, :author::text, :key_hash::bytea, :body_hash::bytea, '{}', clock_timestamp()
WHERE NOT EXISTS (
    SELECT FROM events_idempotencykey
    WHERE workspace_id = :workspace_id AND author = :author
      AND key_hash = ANY(:older_hashes::bytea[])
)
ON CONFLICT (workspace_id, author, key_hash) DO NOTHING
RETURNING id
