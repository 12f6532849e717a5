-- The change feed of an aggregate node tells of the events of its members, which it shows as duplicates:
-- of what happens to the events, and of their coming and going with a member.

{# Rows of the feed for `events` of `member`s, as far as an aggregate customer has them. #}
{% macro note_duplicates(operation, at, events, also="TRUE") %}
    INSERT INTO customers_change
        (workspace_id, node_id, entity, entity_id, operation, changed_at, is_duplicate)
    SELECT event.workspace_id, node.id, 'EVENT', event.id, {{ operation }}, {{ at }}, TRUE
    FROM {{ events }}
    JOIN configuration_node AS node
        ON node.workspace_id = event.workspace_id AND node.id = member.aggregate_node_id
        AND node.removed_at IS NULL
    WHERE member.aggregate_id IS NOT NULL{% if also != "TRUE" %} AND {{ also }}{% endif %}

    ORDER BY event.date, event.id;
{% endmacro %}

{# Members are looked up one by one, however many rows there were when the plan was made. #}
{% macro with_members(rows) %}{{ rows }} AS event
    CROSS JOIN LATERAL (
        SELECT aggregate_node_id, aggregate_id FROM customers_aggregatemember
        WHERE workspace_id = event.workspace_id AND entry_id = event.customer_id OFFSET 0
    ) AS member
{%- endmacro %}

-- Whoever inserts an event holds its customer, so customers are held here before their events are
-- looked at, and the events against those who change or delete them: each sees what the other did.
CREATE FUNCTION events_note_members(members customers_aggregatemember[], its_operation text)
RETURNS void LANGUAGE plpgsql STRICT AS $$
BEGIN
    PERFORM FROM customers_customer
    WHERE (workspace_id, id) IN (SELECT workspace_id, entry_id FROM unnest(members))
    ORDER BY id FOR UPDATE;
    PERFORM FROM events_event
    WHERE (workspace_id, customer_id) IN (SELECT workspace_id, entry_id FROM unnest(members))
    ORDER BY id FOR SHARE;
{{ note_duplicates("its_operation", "clock_timestamp()", "unnest(members) AS member
    JOIN events_event AS event
        ON event.workspace_id = member.workspace_id AND event.customer_id = member.entry_id") }}
END $$;

{% macro trigger_function(name) %}

CREATE FUNCTION events_{{ name }}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
{{ caller() }}
    RETURN NULL;
END $$;
{% endmacro %}

{# Most customers are nobody's members: looking is half of what inserting nothing costs. #}
{% macro note_those_with_members(operation, at, rows) %}
    IF NOT EXISTS (SELECT FROM {{ with_members(rows) }}) THEN RETURN NULL; END IF;
{{ note_duplicates(operation, at, with_members(rows)) }}
{%- endmacro %}

{% call trigger_function("came") %}
{{ note_those_with_members("'CREATE'", "event.registered_at", "came") }}
{%- endcall %}
{% call trigger_function("went") %}
{{ note_those_with_members("'DELETE'", "clock_timestamp()", "went") }}
{%- endcall %}
{# An event that has become another customer's, as one that waited, comes to the nodes in which that one is a
   member and goes from those in which only the former one is. `IN … IS TRUE` is a hashed look-up, never a
   loop over all pairs of rows. #}
{% macro in_node_of(rows) %}
((event.id, member.aggregate_node_id) IN (
        SELECT event.id, member.aggregate_node_id FROM {{ with_members(rows) }}
        WHERE member.aggregate_id IS NOT NULL
    )) IS TRUE
{%- endmacro %}
{% call trigger_function("changed") %}
{% set moved %}(
        SELECT * FROM went WHERE customer_id IS NOT NULL
          AND ((id, customer_id) IN (SELECT id, customer_id FROM came)) IS NOT TRUE
    ){% endset %}
{{ note_duplicates("'DELETE'", "clock_timestamp()", with_members(moved), "NOT " ~ in_node_of("came")) }}
{{ note_those_with_members("CASE WHEN " ~ in_node_of("went") ~ " THEN 'UPDATE' ELSE 'CREATE' END",
                           "event.updated_at", "came") }}
{%- endcall %}
{% call trigger_function("members_went") %}
    PERFORM events_note_members(array_agg(went::customers_aggregatemember), 'DELETE')
    FROM went WHERE aggregate_id IS NOT NULL;
{%- endcall %}
{# A member is of no aggregate customer yet when it comes. #}
{% call trigger_function("members_changed") %}
    PERFORM events_note_members(array_agg(came::customers_aggregatemember), 'CREATE')
    FROM came WHERE aggregate_id IS NOT NULL
      AND (id IN (SELECT id FROM went WHERE aggregate_id IS NULL)) IS TRUE;
    PERFORM events_note_members(array_agg(came::customers_aggregatemember), 'UPDATE')
    FROM came WHERE aggregate_id IS NOT NULL
      AND (id IN (SELECT id FROM went WHERE aggregate_id IS NOT NULL)) IS TRUE
      AND ((id, aggregate_id) IN (SELECT id, aggregate_id FROM went)) IS NOT TRUE;
    PERFORM events_note_members(array_agg(went::customers_aggregatemember), 'DELETE')
    FROM went WHERE aggregate_id IS NOT NULL
      AND (id IN (SELECT id FROM came WHERE aggregate_id IS NULL)) IS TRUE;
{%- endcall %}

CREATE TRIGGER events_duplicates_come AFTER INSERT ON events_event REFERENCING NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION events_came();

CREATE TRIGGER events_duplicates_go AFTER DELETE ON events_event REFERENCING OLD TABLE AS went
FOR EACH STATEMENT EXECUTE FUNCTION events_went();

CREATE TRIGGER events_duplicates_change AFTER UPDATE ON events_event
REFERENCING OLD TABLE AS went NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION events_changed();

CREATE TRIGGER events_duplicates_go AFTER DELETE ON customers_aggregatemember
REFERENCING OLD TABLE AS went
FOR EACH STATEMENT EXECUTE FUNCTION events_members_went();

CREATE TRIGGER events_duplicates_change AFTER UPDATE ON customers_aggregatemember
REFERENCING OLD TABLE AS went NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION events_members_changed();
