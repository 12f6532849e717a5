-- What people are found by of a customer's contacts other than the first: e-mail addresses without regard
-- to case, and of telephone numbers the digits: each end of at least five (`ends …`, so that a number without
-- its prefix is found), and the whole of at least eight (`is …`). Of longer numbers the last thirty digits.
CREATE FUNCTION customers_other_contact_keys(contacts jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY ( -- noqa: PRS
    SELECT DISTINCT key
    FROM (
        SELECT listed.value #>> '{}' FROM jsonb_path_query(contacts, '$.otherContacts[*].value') AS listed (value)
        UNION ALL
        SELECT contacts ->> 'fax'
    ) AS contact (value),
    LATERAL (SELECT right(regexp_replace(contact.value, '[^0-9]', '', 'g'), 30)) AS number (digits),
    LATERAL (
        SELECT 'email ' || customers_folded(contact.value) WHERE contact.value LIKE '%@%'
        UNION ALL
        SELECT 'is ' || number.digits WHERE contact.value NOT LIKE '%@%' AND length(number.digits) >= 8
        UNION ALL
        SELECT 'ends ' || right(number.digits, length)
        FROM generate_series(5, length(number.digits)) AS length
        WHERE contact.value NOT LIKE '%@%'
    ) AS keys (key)
);
