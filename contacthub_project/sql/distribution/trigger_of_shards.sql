CREATE OR REPLACE FUNCTION {{ name }}() RETURNS trigger
LANGUAGE plpgsql AS $trigger$
{{ mark }}
DECLARE
    its_workspace uuid;
    its_answer boolean;
BEGIN
{% if transition_table %}
SELECT workspace_id INTO its_workspace FROM {{ transition_table }} LIMIT 1;
IF its_workspace IS NULL THEN RETURN NULL; END IF;
{% else %}
its_workspace := OLD.workspace_id;
{% endif %}
{{ statements }}
END $trigger$
