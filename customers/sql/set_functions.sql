{# What functions share that write a set of rows and return the result of each. #}

{# The plan is generic and by indexes: a set has one to a thousand rows. #}
{% macro options() %}
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_mergejoin = off
SET jit = off
{%- endmacro %}

{# Unless the caller may wait, a wait for a lock soon ends with an error for the whole set. #}
{% macro bounded_waiting() %}
IF NOT may_wait THEN
        PERFORM set_config('lock_timeout', '250ms', TRUE);
    END IF;
{%- endmacro %}

{# Lock customers of the workspace by their ids; `held` is then those that exist. #}
{% macro lock_customers(ids, condition, strength) %}
SELECT coalesce(array_agg(one.id), '{}') INTO held FROM (
            SELECT stored.id FROM customers_customer AS stored
            WHERE stored.id = ANY(ARRAY({{ ids }}))
              AND stored.workspace_id = of_workspace AND stored.deleted = 0{{ condition }}
            ORDER BY stored.id FOR {{ strength }}
        ) AS one;
{%- endmacro %}

{# The ids of a set's rows; the other columns, documents among them, are not converted. #}
{% macro ids_of(set) %}
SELECT given.id FROM json_to_recordset({{ set }}) AS given (id uuid)
{%- endmacro %}

{# Count the rows of a set that the latest statement has not written. #}
{% macro count_left(set) %}
GET DIAGNOSTICS rows_written = ROW_COUNT;
        rows_left := rows_left + json_array_length({{ set }}) - rows_written;
{%- endmacro %}
