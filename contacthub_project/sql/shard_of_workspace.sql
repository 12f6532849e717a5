-- The shard of a workspace, and the node that it is on.
SELECT shardid, nodename || ':' || nodeport, nodename, nodeport
FROM pg_dist_placement
JOIN pg_dist_node USING (groupid)
WHERE shardid = get_shard_id_for_distribution_column(:table::regclass, :workspace_id::uuid)
