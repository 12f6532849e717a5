{# What quotes a person: an identifier, or first and last name together. Patterns are of the body's JSON. #}
{% macro quoted() %}
workspace_id = :workspace_id AND (
    body ILIKE ANY(:patterns::text[])
    OR EXISTS (
        SELECT FROM unnest(:firsts::text[], :lasts::text[]) AS name (first, last)
        WHERE body ILIKE name.first AND body ILIKE name.last
    )
)
{%- endmacro %}
