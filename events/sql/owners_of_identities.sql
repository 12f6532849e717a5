-- The customers of sessions and external ids; the oldest, if several have the same external id.
SELECT identity.kind, identity.node_id, identity.value,
       customer.id, customer.node_id, customer.enabled, customer.version, customer.consents::text
FROM unnest(:kinds::text[], :nodes::uuid[], :values::text[], :ignore_cases::boolean[])
     AS identity (kind, node_id, value, ignores_case)
CROSS JOIN LATERAL (
    SELECT known.* FROM customers_session AS session
    JOIN customers_customer AS known
        ON known.id = session.customer_id AND known.workspace_id = :workspace_id
    WHERE session.workspace_id = :workspace_id AND identity.kind = 'SESSION_ID'
      AND session.node_id = identity.node_id
      AND session.value = identity.value AND known.deleted = 0
    UNION ALL
    (SELECT namesake.* FROM (
        SELECT own.* FROM (
            -- A fence: without statistics the planner would walk all ids for the first that fits.
            SELECT known.* FROM customers_customer AS known
            WHERE known.workspace_id = :workspace_id AND identity.kind = 'EXTERNAL_ID'
              AND known.node_id = identity.node_id AND known.external_id IS NOT NULL
              AND customers_folded(known.external_id) COLLATE "C" = customers_folded(identity.value)
              AND (identity.ignores_case OR known.external_id = identity.value) AND known.deleted = 0
            OFFSET 0
        ) AS own
        UNION ALL
        -- Who was known by the id until a merge, unless somebody has it of their own.
        SELECT heir.* FROM customers_formeridentity AS former
        JOIN customers_customer AS heir
            ON heir.workspace_id = :workspace_id AND heir.id = former.current_id AND heir.deleted = 0
        WHERE former.workspace_id = :workspace_id AND identity.kind = 'EXTERNAL_ID'
          AND former.node_id = identity.node_id AND former.external_id IS NOT NULL
          AND customers_folded(former.external_id) COLLATE "C" = customers_folded(identity.value)
          AND (identity.ignores_case OR former.external_id = identity.value)
     ) AS namesake
     ORDER BY (
        customers_folded(namesake.external_id) COLLATE "C" = customers_folded(identity.value)
     ) IS NOT TRUE, namesake.id LIMIT 1)
) AS customer
