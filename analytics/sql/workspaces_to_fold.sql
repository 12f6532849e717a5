-- Workspaces with something to fold, and whether their time zone was changed.
SELECT workspace.id,
       ledger.time_zone IS NOT NULL AND ledger.time_zone <> workspace.timezone AS is_elsewhere
FROM configuration_workspace AS workspace
LEFT JOIN analytics_ledger AS ledger ON ledger.workspace_id = workspace.id
WHERE workspace.removed_at IS NULL AND (
    EXISTS (SELECT FROM analytics_delta AS delta WHERE delta.workspace_id = workspace.id)
    OR ledger.time_zone <> workspace.timezone
)
