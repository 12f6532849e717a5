{# Events of people, and those that wait for one of them under a session or an external id. #}
{% macro own_event() %}
event.customer_id = ANY(:customers::uuid[]) AND event.workspace_id = :workspace_id
{%- endmacro %}

{% macro identities() %}
unnest(:nodes::uuid[], :kinds::text[], :values::text[], :ignoring_case::boolean[])
    AS identity (node_id, kind, value, ignores_case)
{%- endmacro %}

{# Of `event` and `identity`. #}
{% macro waits() %}
event.node_id = identity.node_id AND event.workspace_id = :workspace_id
AND event.customer_id IS NULL AND event.bring_back_type = identity.kind
AND customers_folded(event.bring_back_value) = customers_folded(identity.value)
AND (event.bring_back_value = identity.value OR identity.ignores_case)
{%- endmacro %}
