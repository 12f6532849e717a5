CREATE OR REPLACE FUNCTION distribution_make(
    of_function text, its_name text, its_workspace uuid
) RETURNS void LANGUAGE plpgsql AS $maker$
{{ mark }}
BEGIN
CASE of_function
{{ branches }}
END CASE;
END $maker$
