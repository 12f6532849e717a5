{# A row of customers_customer, as `customers.models.customer_row.CustomerRow` reads it: a JSON array. #}
{% macro row_as_json(row) %}
{% macro moment(name) %}to_char({{ row }}.{{ name }} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'){% endmacro %}
json_build_array(
    {{ row }}.id, {{ row }}.int_id, {{ row }}.external_id, {{ row }}.node_id, {{ row }}.base, {{ row }}.consents,
    {{ row }}.extended, {{ row }}.extra, {{ row }}.tags, {{ row }}.enabled, {{ moment("registered_at") }},
    {{ moment("updated_at") }}, {{ row }}.version, {{ row }}.deleted, {{ row }}.registered_by, {{ row }}.updated_by
)::text
{%- endmacro %}
