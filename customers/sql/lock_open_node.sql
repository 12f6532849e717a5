{% from "customers/sql/customer_writes.sql" import open_node %}
-- The node, held as it is until the transaction ends.
{{ open_node() }}
