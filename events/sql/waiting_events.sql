{# Customers that have become known, and by what their events wait for them. #}
{% macro appeared() %}
unnest(:customers::uuid[], :kinds::text[], :values::text[])
    AS appeared (customer_id, kind, value)
{%- endmacro %}

{# Of `event` and `appeared`. #}
{% macro is_waiting() %}
event.node_id = :node_id AND event.workspace_id = :workspace_id
AND event.customer_id IS NULL AND event.bring_back_type = appeared.kind
AND customers_folded(event.bring_back_value) = customers_folded(appeared.value)
AND (
    event.bring_back_value = appeared.value
    OR (event.bring_back_type = 'EXTERNAL_ID' AND :ignores_case::boolean)
)
{%- endmacro %}

{# Types of events that are refused of a customer, and why. #}
{% macro refused() %}
unnest(:refused_customers::uuid[], :refused_types::text[], :reasons::text[])
    AS refused (customer_id, type, reason)
{%- endmacro %}
