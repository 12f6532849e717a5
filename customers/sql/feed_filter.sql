{# A condition on `change`: what a consumer of the feed asks for, after an offset. Variables of the statement:
   `node` and `nodes` when it asks for one node, or several; `no_duplicates`.
   One node is a single value, so that an index can give the order too. #}
{% macro matches_filter() %}
change.workspace_id = :workspace_id AND change.feed_offset > :after AND change.entity = ANY (:entities::text[])
    {% if node is defined %}
    AND change.node_id = :node_id
    {% endif %}
    {% if nodes is defined %}
    AND change.node_id = ANY (:nodes::uuid[])
    {% endif %}
    {% if no_duplicates is defined %}
    AND NOT change.is_duplicate
    {% endif %}
{%- endmacro %}
