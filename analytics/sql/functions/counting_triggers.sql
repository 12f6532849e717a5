{% from "analytics/sql/deltas.sql" import bought, places_of_event, session_of_event %}
-- Functions and triggers that note a delta for each row that comes or goes. docs/analytics.md tells what is
-- counted.

{# Note events in the node and for the person of their `place`. #}
{% macro note_events(weight, events) %}
    INSERT INTO analytics_delta
        (workspace_id, node_id, weight, subject, name, context, happened_at, registered_at,
         updated_at, person, session, order_type, total, revenue, items)
    SELECT event.workspace_id, place.node_id, {{ weight }}, 'EVENT', event.type, event.context,
           event.date, event.registered_at, CASE WHEN event.version > 1 THEN event.updated_at END,
           CASE WHEN event.context = 'WEB' OR bought.order_type IS NOT NULL THEN place.person END,
           {{ session_of_event() }}, bought.order_type, bought.total, bought.revenue, bought.items
    FROM {{ events }}
    LEFT JOIN LATERAL ({{ bought() }}) AS bought ON TRUE;
{% endmacro %}

{# Note rows of events: in their own node, and in every aggregate node that shows them. #}
{% macro note_rows(weight, rows) %}
{% set events %}{{ rows }} AS event
    CROSS JOIN LATERAL ({{ places_of_event() }}) AS place (node_id, person){% endset %}
{{ note_events(weight, events) }}
{%- endmacro %}

{# Note rows of customers; those alike within an hour are one, as no day begins within it. #}
{% macro note_customers(weight, rows) %}
    INSERT INTO analytics_delta
        (workspace_id, node_id, weight, subject, name, registered_at, updated_at)
    SELECT workspace_id, node_id, {{ weight }} * count(*),
           CASE deleted WHEN 0 THEN 'CUSTOMER' ELSE 'RECORD' END AS subject,
           analytics_channel(base) AS name, date_trunc('hour', registered_at, 'UTC') AS registered,
           CASE WHEN version > 1 THEN date_trunc('hour', updated_at, 'UTC') END AS updated
    FROM {{ rows }} GROUP BY workspace_id, node_id, subject, name, registered, updated;
{% endmacro %}

{# Note what the update stream tells of deletions. #}
{% macro note_deletions(weight, rows) %}
    INSERT INTO analytics_delta (workspace_id, node_id, weight, subject, name, happened_at)
    SELECT workspace_id, node_id, {{ weight }} * count(*), 'DELETION', entity,
           date_trunc('hour', changed_at, 'UTC') AS hour
    FROM {{ rows }} WHERE operation = 'DELETE' AND NOT is_duplicate
    GROUP BY workspace_id, node_id, entity, hour;
{% endmacro %}

-- Blank text is no value; what is space is told in contacthub_project/core/text.py.
CREATE FUNCTION analytics_has_text(given text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(ltrim(given, E'\t\n\x0b\f\r\x1c\x1d\x1e\x1f \u0085\u00a0\u1680'
    '\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a'
    '\u2028\u2029\u202f\u205f\u3000') <> '', false);

CREATE FUNCTION analytics_channel(base jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN analytics_has_text(base #>> '{contacts,email}')
        THEN CASE WHEN analytics_has_text(base #>> '{contacts,mobilePhone}')
                  THEN 'EMAIL_AND_MOBILE' ELSE 'EMAIL_ONLY' END
    WHEN analytics_has_text(base #>> '{contacts,mobilePhone}') THEN 'MOBILE_ONLY'
    ELSE 'NOT_REACHABLE'
END;

CREATE FUNCTION analytics_number(value jsonb, otherwise numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) = 'number' THEN value::numeric ELSE otherwise END;

CREATE FUNCTION analytics_items(properties jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT coalesce(sum(
        CASE WHEN 'return' IN (properties ->> 'type', line ->> 'type') THEN -1 ELSE 1 END
        * abs(analytics_number(line -> 'quantity', 1))
    ), 0)
    FROM jsonb_array_elements(
        CASE WHEN jsonb_typeof(properties -> 'products') = 'array'
             THEN properties -> 'products' ELSE '[]' END
    ) AS line
);

CREATE FUNCTION analytics_spent(properties jsonb, amount jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN properties ->> 'type' = 'return'
            THEN -abs(analytics_number(amount, 0)) ELSE analytics_number(amount, 0) END;

-- Somebody who is not known yet is who they will be brought back by.
CREATE FUNCTION analytics_stranger(bring_back_type text, bring_back_value text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN md5(bring_back_type || ' ' || bring_back_value)::uuid;

-- The person that a key of an aggregate node names.
CREATE FUNCTION analytics_person(match_key bytea) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN encode(substring(match_key FROM 1 FOR 16), 'hex')::uuid;

-- Whoever inserts an event holds its customer, so customers are held here before their events are
-- looked at, and the events against those who change or delete them: each sees what the other did.
-- Who are members with another key are other persons.
CREATE FUNCTION analytics_note_members(members customers_aggregatemember[], its_weight integer)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM customers_customer
    WHERE (workspace_id, id) IN (SELECT workspace_id, entry_id FROM unnest(members))
    ORDER BY id FOR UPDATE;
    PERFORM FROM events_event
    WHERE (workspace_id, customer_id) IN (SELECT workspace_id, entry_id FROM unnest(members))
    ORDER BY id FOR SHARE;
{{ note_events("its_weight", "unnest(members) AS member
    JOIN events_event AS event
        ON event.workspace_id = member.workspace_id AND event.customer_id = member.entry_id
    CROSS JOIN LATERAL (
        SELECT member.aggregate_node_id, analytics_person(member.match_key)
    ) AS place (node_id, person)") }}
END $$;

{# A trigger's function; a statement that has written none of `rows` costs next to nothing. #}
{% macro trigger_function(name, rows) %}

CREATE FUNCTION analytics_{{ name }}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM {{ rows }}) THEN RETURN NULL; END IF;
{{ caller() }}
    RETURN NULL;
END $$;
{% endmacro %}

{% call trigger_function("events_came", "came") %}{{ note_rows(1, "came") }}{% endcall %}
{% call trigger_function("events_went", "went") %}{{ note_rows(-1, "went") }}{% endcall %}
{% call trigger_function("events_changed", "went") %}
{{ note_rows(-1, "went") }}
{{ note_rows(1, "came") }}
{%- endcall %}
{% call trigger_function("customers_came", "came") %}{{ note_customers(1, "came") }}{% endcall %}
{% call trigger_function("customers_went", "went") %}{{ note_customers(-1, "went") }}{% endcall %}
{% call trigger_function("deletions_came", "came WHERE operation = 'DELETE' AND NOT is_duplicate") %}
{{ note_deletions(1, "came") }}
{%- endcall %}
{% call trigger_function("deletions_went", "went WHERE operation = 'DELETE' AND NOT is_duplicate") %}
{{ note_deletions(-1, "went") }}
{%- endcall %}
{% call trigger_function("members_came", "came") %}
    PERFORM analytics_note_members(array_agg(came::customers_aggregatemember), 1) FROM came;
{%- endcall %}
{% call trigger_function("members_went", "went") %}
    PERFORM analytics_note_members(array_agg(went::customers_aggregatemember), -1) FROM went;
{%- endcall %}
{% call trigger_function("members_changed", "went") %}
    PERFORM analytics_note_members(array_agg(went::customers_aggregatemember), -1)
    FROM went JOIN came USING (id) WHERE went.match_key <> came.match_key;
    PERFORM analytics_note_members(array_agg(came::customers_aggregatemember), 1)
    FROM went JOIN came USING (id) WHERE went.match_key <> came.match_key;
{%- endcall %}

CREATE FUNCTION analytics_customer_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
{{ note_customers(-1, "(SELECT OLD.*) AS went") }}
{{ note_customers(1, "(SELECT NEW.*) AS came") }}
    RETURN NULL;
END $$;

{# Triggers of statements: of a single write they cost as much as a row's would, of a thousand rows a quarter. #}
{% for table, came, went, changed in [
    ("events_event", "events_came", "events_went", "events_changed"),
    ("customers_customer", "customers_came", "customers_went", none),
    ("customers_change", "deletions_came", "deletions_went", none),
    ("customers_aggregatemember", "members_came", "members_went", "members_changed"),
] %}
CREATE TRIGGER analytics_counts AFTER INSERT ON {{ table }} REFERENCING NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION analytics_{{ came }}();

CREATE TRIGGER analytics_forgets AFTER DELETE ON {{ table }} REFERENCING OLD TABLE AS went
FOR EACH STATEMENT EXECUTE FUNCTION analytics_{{ went }}();

{% if changed %}
CREATE TRIGGER analytics_recounts AFTER UPDATE ON {{ table }}
REFERENCING OLD TABLE AS went NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION analytics_{{ changed }}();

{% endif %}
{% endfor %}
-- Nothing that is counted changes by a second update within the hour: no day begins in between.
CREATE TRIGGER analytics_recounts AFTER UPDATE ON customers_customer
FOR EACH ROW WHEN (
    (OLD.node_id, OLD.deleted = 0, OLD.version > 1, OLD.registered_at)
        IS DISTINCT FROM (NEW.node_id, NEW.deleted = 0, NEW.version > 1, NEW.registered_at)
    OR date_trunc('hour', OLD.updated_at, 'UTC') <> date_trunc('hour', NEW.updated_at, 'UTC')
    OR OLD.base -> 'contacts' IS DISTINCT FROM NEW.base -> 'contacts'
)
EXECUTE FUNCTION analytics_customer_changed();
