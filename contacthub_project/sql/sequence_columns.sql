-- Columns filled from sequences.
SELECT attrelid::regclass::text, attname, attidentity <> '', pg_get_expr(adbin, adrelid)
FROM pg_attribute
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid::regclass::text = ANY(:tables) AND attnum > 0 AND NOT attisdropped
    AND (attidentity <> '' OR pg_get_expr(adbin, adrelid) LIKE 'nextval(%')
ORDER BY 1, 2
