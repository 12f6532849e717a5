-- The product's functions, without those of extensions, of shards and of the distribution itself.
SELECT
    function.oid::regprocedure::text, function.proname, function.proargnames[1:pronargs],
    ARRAY(
        SELECT format_type(kind, NULL)
        FROM unnest(proargtypes) WITH ORDINALITY AS argument (kind, place)
        ORDER BY place
    ),
    pg_get_function_result(function.oid), coalesce(function.prosrc, ''),
    pg_get_functiondef(function.oid), prorettype = 'trigger'::regtype
FROM pg_proc AS function
WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = function.oid AND deptype = 'e')
    AND proname !~ '_[0-9]{6,}$' AND proname NOT LIKE 'distribution\_%'
ORDER BY 1
