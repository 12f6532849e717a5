-- Claim webhooks of a workspace that are due and have something to be told. Changes without an offset may
-- be something; whether they are shows once they have one.
UPDATE customers_webhook AS webhook SET
    claim = :claim,
    claimed_until = statement_timestamp() + make_interval(secs => :seconds)
WHERE webhook.workspace_id = :workspace_id AND webhook.id = ANY(ARRAY(
    SELECT due.id FROM customers_webhook AS due
    WHERE due.workspace_id = :workspace_id AND due.state = 'ACTIVE'
        AND (
            due.failures = 0
            OR due.next_attempt_at <= statement_timestamp()
            -- The latest attempt was in the future: the clock was put back, nobody knows how far.
            OR EXISTS (
                SELECT FROM customers_webhookattempt AS attempt
                WHERE attempt.workspace_id = :workspace_id AND attempt.webhook_id = due.id
                    AND attempt.attempted_at > statement_timestamp()
            )
        )
        AND (
            due.claimed_until IS NULL
            OR due.claimed_until < statement_timestamp()
            OR due.claimed_until > statement_timestamp() + 2 * make_interval(secs => :seconds)
        )
        AND (
            EXISTS (
                SELECT FROM customers_feed AS feed
                WHERE feed.workspace_id = :workspace_id AND feed.last_offset > due.delivered_offset
            )
            OR EXISTS (
                SELECT FROM customers_change AS change
                WHERE change.workspace_id = :workspace_id AND change.feed_offset IS NULL
            )
        )
    ORDER BY due.next_attempt_at
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
))
RETURNING webhook.workspace_id, webhook.id, webhook.claim
