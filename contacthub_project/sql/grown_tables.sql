-- Tables that have doubled since they were last analyzed.
SELECT relname
FROM pg_class
WHERE oid = ANY(:tables::text[]::regclass[])
    AND pg_relation_size(oid)
        > 2 * greatest(relpages, :pages) * current_setting('block_size')::bigint
