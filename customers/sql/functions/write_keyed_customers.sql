{% from "customers/sql/write_customers.sql" import writing_function %}
{{ writing_function("customers_write_keyed", true) }}
