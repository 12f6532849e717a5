{# Rows of the change feed for `rows` (workspace_id, node_id, id and what `at` names), which have no offset
   until they are sealed. #}
{% macro note_changes(rows, entity, operation, at="updated_at") %}
INSERT INTO customers_change (workspace_id, node_id, entity, entity_id, operation, changed_at)
SELECT workspace_id, node_id, '{{ entity }}', id, '{{ operation }}', {{ at }} FROM {{ rows }}
{%- endmacro %}
