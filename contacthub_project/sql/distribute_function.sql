-- Distribute a function, unless it is distributed.
SELECT create_distributed_function(oid)
FROM pg_proc
WHERE proname = :name AND pronamespace = 'public'::regnamespace
    AND NOT EXISTS (
        SELECT FROM pg_dist_object WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid
    )
