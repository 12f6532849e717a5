{% from "customers/sql/customers_in_node.sql" import in_node %}
-- The live customers of a node who have external ids, as the node compares them.
SELECT given.external_id, customer.id
FROM unnest(:external_ids::text[]) AS given (external_id)
JOIN customers_customer AS customer
    ON {{ in_node() }} AND customer.external_id IS NOT NULL
    AND customers_folded(customer.external_id) COLLATE "C" = customers_folded(given.external_id)
    AND (:ignores_case::boolean OR customer.external_id = given.external_id)
