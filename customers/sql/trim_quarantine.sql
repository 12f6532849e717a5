-- Of a workspace only the latest are kept.
DELETE FROM customers_quarantinedrequest
WHERE workspace_id = :workspace_id AND (refused_at, id) < (
    SELECT refused_at, id FROM customers_quarantinedrequest
    WHERE workspace_id = :workspace_id
    ORDER BY refused_at DESC, id DESC
    LIMIT 1 OFFSET :others
)
