-- Whose a session is, and whom the client knows by an id: the oldest, should there be several.
SELECT wanted.kind, wanted.node_id, wanted.value,
       customer.id, customer.node_id, customer.enabled, customer.version, customer.consents::text
FROM unnest(:kinds::text[], :nodes::uuid[], :values::text[], :ignore_cases::boolean[])
     AS wanted (kind, node_id, value, ignores_case)
CROSS JOIN LATERAL (
    SELECT known.* FROM customers_session AS session
    JOIN customers_customer AS known ON known.id = session.customer_id
    WHERE wanted.kind = 'SESSION_ID' AND session.node_id = wanted.node_id
      AND session.value = wanted.value AND known.deleted = 0
    UNION ALL
    (SELECT namesake.* FROM (
        -- A fence: without statistics the planner would walk all ids for the first that fits.
        SELECT known.* FROM customers_customer AS known
        WHERE wanted.kind = 'EXTERNAL_ID' AND known.node_id = wanted.node_id
          AND customers_folded(known.external_id) COLLATE "C" = customers_folded(wanted.value)
          AND (wanted.ignores_case OR known.external_id = wanted.value) AND known.deleted = 0
        OFFSET 0
     ) AS namesake ORDER BY namesake.id LIMIT 1)
) AS customer
WHERE customer.workspace_id = :workspace_id
