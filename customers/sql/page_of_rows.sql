{# Two values of a search whose CTE `page` has the ids and positions of a page: the rows as a JSON array, and
   the values that the last of them is ordered by. Variable `row_as_json`, parameter `:order_values`. #}
{% macro rows_and_last(table, alias) %}
(SELECT json_agg({{ row_as_json }}::json ORDER BY page.position)::text
     FROM page JOIN {{ table }} AS {{ alias }} USING (id) WHERE {{ alias }}.workspace_id = :workspace_id),
    (SELECT :order_values::text FROM page JOIN {{ table }} AS {{ alias }} USING (id)
     WHERE {{ alias }}.workspace_id = :workspace_id ORDER BY page.position DESC LIMIT 1)
{%- endmacro %}
