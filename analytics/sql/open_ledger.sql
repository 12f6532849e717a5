-- A workspace's ledger, if it has none.
INSERT INTO analytics_ledger (workspace_id, time_zone, differences)
SELECT id, timezone, 0 FROM configuration_workspace WHERE id = :workspace_id
ON CONFLICT (workspace_id) DO NOTHING RETURNING workspace_id
