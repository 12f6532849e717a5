-- Tables and names of the foreign keys from or to some tables.
SELECT conrelid::regclass::text, conname
FROM pg_constraint
WHERE contype = 'f' AND connamespace = 'public'::regnamespace
    AND (conrelid::regclass::text = ANY(:tables) OR confrelid::regclass::text = ANY(:tables))
ORDER BY 1, 2
