{% from "customers/sql/quarantined_of_people.sql" import quoted %}
-- What `forget_quarantined.sql` would delete.
SELECT id FROM customers_quarantinedrequest WHERE {{ quoted() }}
