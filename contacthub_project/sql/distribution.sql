-- What generated functions use on the nodes of a distributed database: names of shards and of their
-- functions, and ids that rise on all nodes.

CREATE SEQUENCE IF NOT EXISTS distribution_number;

-- Ids of rows, in the order of time whichever node draws them: microseconds, whether a worker drew it, and a
-- number among those of one microsecond. Sequences of workers count in ranges of their own.
CREATE OR REPLACE FUNCTION distribution_next_id() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN (extract(EPOCH FROM clock_timestamp()) * 1000000)::bigint * 2048
        + CASE WHEN (SELECT groupid FROM pg_dist_local_group) = 0 THEN 0 ELSE 1024 END
        + nextval('distribution_number') % 1024;
END $$;

CREATE OR REPLACE FUNCTION distribution_next_number(of_sequence text) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN nextval(of_sequence);
END $$;

CREATE OR REPLACE FUNCTION distribution_table(of_table text, of_workspace uuid) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN of_table || '_' || get_shard_id_for_distribution_column(of_table::regclass, of_workspace);
END $$;

-- The function of a workspace's shard, which is made when it is called first, and again when the shard has
-- moved here. A move waits for those that hold the shard, and copies nothing that is written to it later.
CREATE OR REPLACE FUNCTION distribution_function(of_function text, of_workspace uuid) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    share_lock CONSTANT int := 5;
    its_shard bigint := get_shard_id_for_distribution_column('customers_customer'::regclass, of_workspace);
    its_name text := of_function || '_' || its_shard;
BEGIN
    -- After some errors within a transaction a session of the coordinator keeps calls to itself. It has no
    -- shards, and this error ends it, as does any that says that a connection has failed.
    IF (SELECT groupid FROM pg_dist_local_group) = 0 THEN
        RAISE EXCEPTION 'this session does not send calls to workers any more'
            USING ERRCODE = 'connection_failure';
    END IF;
    PERFORM lock_shard_metadata(share_lock, ARRAY[its_shard]);
    IF NOT EXISTS (
        SELECT FROM pg_dist_placement JOIN pg_dist_local_group USING (groupid) WHERE shardid = its_shard
    ) THEN
        RAISE EXCEPTION 'the workspace has moved to another worker'
            USING ERRCODE = 'serialization_failure';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_proc WHERE proname = its_name) THEN
        PERFORM set_config('citus.enable_ddl_propagation', 'off', TRUE);
        PERFORM pg_advisory_xact_lock(hashtext('distribution_make'));
        IF NOT EXISTS (SELECT FROM pg_proc WHERE proname = its_name) THEN
            PERFORM distribution_make(of_function, its_name, of_workspace);
        END IF;
    END IF;
    RETURN its_name;
END $$;

-- Forget the functions of shards: they are made anew from the templates that are here now.
CREATE OR REPLACE FUNCTION distribution_forget() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    its_function regprocedure;
BEGIN
    PERFORM set_config('citus.enable_ddl_propagation', 'off', TRUE);
    FOR its_function IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proname ~ '_[0-9]{6,}$'
    LOOP
        EXECUTE format('DROP FUNCTION %s', its_function);
    END LOOP;
END $$
