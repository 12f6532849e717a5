{# A condition on `customer`: a live customer of a node. #}
{% macro in_node() %}
customer.workspace_id = :workspace_id AND customer.node_id = :node_id AND customer.deleted = 0
{%- endmacro %}
