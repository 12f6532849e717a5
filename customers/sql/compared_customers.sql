-- What is compared of live customers of some nodes to find duplicates, as parts of their documents. They are
-- kept from going while that is used; those that are about to go are left out.
SELECT id, node_id, external_id, jsonb_build_object(
    'firstName', base -> 'firstName', 'lastName', base -> 'lastName', 'dob', base -> 'dob',
    'contacts', jsonb_build_object(
        'email', base #> '{contacts,email}', 'phone', base #> '{contacts,phone}',
        'mobilePhone', base #> '{contacts,mobilePhone}'
    ),
    'address', jsonb_build_object('zip', base #> '{address,zip}')
)::text
FROM customers_customer
WHERE workspace_id = :workspace_id AND id = ANY(:ids::uuid[]) AND node_id = ANY(:nodes::uuid[])
  AND deleted = 0
ORDER BY id FOR KEY SHARE SKIP LOCKED
