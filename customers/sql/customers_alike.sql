-- Customers that may be a person: found by the keys that nodes would give the person, by the external id
-- in the person's own node, and by e-mail address. Whether each is the person is decided by the rules of
-- nodes, which are not in SQL. Deleted ones always, others where the search is `wide`.
{% macro found(deleted, key) %}
SELECT customer.id FROM unnest(:nodes::uuid[], :keys::bytea[]) AS known (node_id, match_key)
JOIN customers_customer AS customer
    ON customer.node_id = known.node_id AND customer.{{ key }} = known.match_key
WHERE customer.workspace_id = :workspace_id AND customer.deleted = {{ deleted }}
UNION
SELECT customer.id FROM customers_customer AS customer
WHERE customer.workspace_id = :workspace_id AND customer.deleted = {{ deleted }} AND customer.node_id = :own_node
  AND customer.external_id IS NOT NULL
  AND customers_folded(customer.external_id) COLLATE "C" = customers_folded(:external_id)
UNION
SELECT customer.id FROM unnest(:places::uuid[]) AS place (node_id), unnest(:emails::text[]) AS email (address),
LATERAL (
    SELECT one.id FROM customers_customer AS one
    WHERE one.workspace_id = :workspace_id AND one.deleted = {{ deleted }} AND one.node_id = place.node_id
      AND customers_folded(one.base #>> '{contacts,email}') COLLATE "C" = customers_folded(email.address)
    LIMIT :limit
) AS customer
{%- endmacro %}
SELECT found.id FROM ({{ found(1, "former_key") }}) AS found
UNION
SELECT customer.id FROM customers_customer AS customer
WHERE customer.workspace_id = :workspace_id AND customer.deleted = 1
  AND customer.node_id = ANY(:nodes::uuid[]) AND customer.former_keys && :keys::bytea[]
UNION
SELECT found.id FROM ({{ found(0, "match_key") }}) AS found WHERE :wide::boolean
UNION
SELECT claim.customer_id FROM unnest(:nodes::uuid[], :keys::bytea[]) AS known (node_id, match_key)
JOIN customers_matchingkey AS claim ON claim.node_id = known.node_id AND claim.key = known.match_key
WHERE claim.workspace_id = :workspace_id AND :wide::boolean
LIMIT :limit
