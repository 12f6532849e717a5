-- What an older event says counts only as long as nothing newer has spoken.
WITH given AS (
    SELECT * FROM unnest(
        :ids::uuid[], :product_ids::text[], :skus::text[], :names::text[],
        :prices::numeric[], :categories::text[], :extendeds::text[],
        :seens::timestamptz[]
    ) AS given (id, product_id, sku, name, price, categories, extended, seen)
),
written AS (
    INSERT INTO events_product AS known
        (id, workspace_id, product_id, sku, name, price, categories, extended,
         first_seen, last_seen)
    SELECT id, :workspace_id, product_id, sku, name, price,
           coalesce(categories::jsonb, '[]'), extended::jsonb, seen, seen
    FROM given ORDER BY product_id
    ON CONFLICT (workspace_id, product_id) DO UPDATE
    SET sku = coalesce(EXCLUDED.sku, known.sku),
        name = coalesce(EXCLUDED.name, known.name),
        price = coalesce(EXCLUDED.price, known.price),
        categories = CASE WHEN EXCLUDED.categories = '[]' THEN known.categories
                          ELSE EXCLUDED.categories END,
        extended = known.extended || EXCLUDED.extended,
        last_seen = EXCLUDED.last_seen
    WHERE EXCLUDED.last_seen >= known.last_seen
    RETURNING known.id
)
SELECT count(*) FROM written
