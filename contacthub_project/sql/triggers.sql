-- The triggers of some tables, with their transition tables.
SELECT
    tgfoid::regproc::text, tgrelid::regclass::text, tgname, tgnewtable, tgoldtable,
    (tgtype & 1) = 1, (tgtype & 2) = 2
FROM pg_trigger
WHERE NOT tgisinternal AND tgrelid::regclass::text = ANY(:tables)
