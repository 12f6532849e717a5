{% from "customers/sql/quarantined_of_people.sql" import quoted %}
DELETE FROM customers_quarantinedrequest WHERE {{ quoted() }} RETURNING id
