-- The node, held as it is until the transaction ends, if it is open and recognises customers as the
-- writer thinks. KEY SHARE makes whoever changes that (holding FOR UPDATE) wait for us.
SELECT id FROM configuration_node
WHERE id = :node_id AND workspace_id = :workspace_id
  AND removed_at IS NULL AND state = 'ACTIVE'
  AND unique_properties = :unique_properties AND case_sensitive = :case_sensitive
  AND matching_rules = :matching_rules::jsonb
FOR KEY SHARE
