CREATE OR REPLACE FUNCTION {{ name }}({{ arguments }})
RETURNS {{ result }} LANGUAGE plpgsql AS $dispatcher$
{{ mark }}
#variable_conflict use_variable
{% if returns_rows %}
BEGIN
RETURN QUERY EXECUTE format('SELECT * FROM %I({{ placeholders }})',
    distribution_function('{{ name }}', of_workspace))
    USING {{ values }};
{% else %}
DECLARE its_answer {{ result }};
BEGIN
EXECUTE format('SELECT * FROM %I({{ placeholders }})',
    distribution_function('{{ name }}', of_workspace))
    INTO its_answer USING {{ values }};
RETURN its_answer;
{% endif %}
END $dispatcher$
