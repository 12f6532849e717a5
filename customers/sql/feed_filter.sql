{# A condition on `change`: what a consumer of the feed asks for, after an offset. Variables of the statement:
   `node`, `nodes` and `of_entity` when it asks for one node, several, or one kind of entity; `no_duplicates`.
   One node is a single value, so that an index can give the order too. #}
{% macro is_wanted() %}
change.workspace_id = :workspace_id AND change.feed_offset > :after
    {% if node is defined %}
    AND change.node_id = :node_id
    {% endif %}
    {% if nodes is defined %}
    AND change.node_id = ANY (:nodes::uuid[])
    {% endif %}
    {% if of_entity is defined %}
    AND change.entity = :entity
    {% endif %}
    {% if no_duplicates is defined %}
    AND NOT change.is_duplicate
    {% endif %}
{%- endmacro %}
