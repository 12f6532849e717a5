-- Functions and triggers that note a delta for each row that comes or goes. docs/analytics.md tells what is
-- counted.





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
    INSERT INTO analytics_delta
        (workspace_id, node_id, weight, subject, name, context, happened_at, registered_at,
         updated_at, person, session, order_type, total, revenue, items)
    SELECT event.workspace_id, place.node_id, its_weight, 'EVENT', event.type, event.context,
           event.date, event.registered_at, CASE WHEN event.version > 1 THEN event.updated_at END,
           CASE WHEN event.context = 'WEB' OR bought.order_type IS NOT NULL THEN place.person END,
           CASE WHEN event.context = 'WEB' AND event.bring_back_type = 'SESSION_ID'
     THEN md5(event.bring_back_value)::uuid END, bought.order_type, bought.total, bought.revenue, bought.items
    FROM unnest(members) AS member
    JOIN events_event AS event
        ON event.workspace_id = member.workspace_id AND event.customer_id = member.entry_id
    CROSS JOIN LATERAL (
        SELECT member.aggregate_node_id, analytics_person(member.match_key)
    ) AS place (node_id, person)
    LEFT JOIN LATERAL (SELECT coalesce(event.properties ->> 'type', 'sale') AS order_type,
       analytics_spent(event.properties, event.properties #> '{amount,total}') AS total,
       analytics_spent(event.properties, coalesce(
           event.properties #> '{amount,revenue}', event.properties #> '{amount,total}'
       )) AS revenue,
       analytics_items(event.properties) AS items
WHERE event.type = 'completedOrder' AND event.context IN ('ECOMMERCE', 'RETAIL')
OFFSET 0
) AS bought ON TRUE;

END $$;



CREATE FUNCTION analytics_events_came() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM came) THEN RETURN NULL; END IF;
    INSERT INTO analytics_delta
        (workspace_id, node_id, weight, subject, name, context, happened_at, registered_at,
         updated_at, person, session, order_type, total, revenue, items)
    SELECT event.workspace_id, place.node_id, 1, 'EVENT', event.type, event.context,
           event.date, event.registered_at, CASE WHEN event.version > 1 THEN event.updated_at END,
           CASE WHEN event.context = 'WEB' OR bought.order_type IS NOT NULL THEN place.person END,
           CASE WHEN event.context = 'WEB' AND event.bring_back_type = 'SESSION_ID'
     THEN md5(event.bring_back_value)::uuid END, bought.order_type, bought.total, bought.revenue, bought.items
    FROM came AS event
    CROSS JOIN LATERAL (SELECT event.node_id, coalesce(
    event.customer_id, analytics_stranger(event.bring_back_type, event.bring_back_value))
UNION ALL
SELECT member.aggregate_node_id, analytics_person(member.match_key)
FROM customers_aggregatemember AS member
WHERE member.workspace_id = event.workspace_id AND member.entry_id = event.customer_id
) AS place (node_id, person)
    LEFT JOIN LATERAL (SELECT coalesce(event.properties ->> 'type', 'sale') AS order_type,
       analytics_spent(event.properties, event.properties #> '{amount,total}') AS total,
       analytics_spent(event.properties, coalesce(
           event.properties #> '{amount,revenue}', event.properties #> '{amount,total}'
       )) AS revenue,
       analytics_items(event.properties) AS items
WHERE event.type = 'completedOrder' AND event.context IN ('ECOMMERCE', 'RETAIL')
OFFSET 0
) AS bought ON TRUE;

    RETURN NULL;
END $$;

CREATE FUNCTION analytics_events_went() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM went) THEN RETURN NULL; END IF;
    INSERT INTO analytics_delta
        (workspace_id, node_id, weight, subject, name, context, happened_at, registered_at,
         updated_at, person, session, order_type, total, revenue, items)
    SELECT event.workspace_id, place.node_id, -1, 'EVENT', event.type, event.context,
           event.date, event.registered_at, CASE WHEN event.version > 1 THEN event.updated_at END,
           CASE WHEN event.context = 'WEB' OR bought.order_type IS NOT NULL THEN place.person END,
           CASE WHEN event.context = 'WEB' AND event.bring_back_type = 'SESSION_ID'
     THEN md5(event.bring_back_value)::uuid END, bought.order_type, bought.total, bought.revenue, bought.items
    FROM went AS event
    CROSS JOIN LATERAL (SELECT event.node_id, coalesce(
    event.customer_id, analytics_stranger(event.bring_back_type, event.bring_back_value))
UNION ALL
SELECT member.aggregate_node_id, analytics_person(member.match_key)
FROM customers_aggregatemember AS member
WHERE member.workspace_id = event.workspace_id AND member.entry_id = event.customer_id
) AS place (node_id, person)
    LEFT JOIN LATERAL (SELECT coalesce(event.properties ->> 'type', 'sale') AS order_type,
       analytics_spent(event.properties, event.properties #> '{amount,total}') AS total,
       analytics_spent(event.properties, coalesce(
           event.properties #> '{amount,revenue}', event.properties #> '{amount,total}'
       )) AS revenue,
       analytics_items(event.properties) AS items
WHERE event.type = 'completedOrder' AND event.context IN ('ECOMMERCE', 'RETAIL')
OFFSET 0
) AS bought ON TRUE;

    RETURN NULL;
END $$;

CREATE FUNCTION analytics_events_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM went) THEN RETURN NULL; END IF;
    INSERT INTO analytics_delta
        (workspace_id, node_id, weight, subject, name, context, happened_at, registered_at,
         updated_at, person, session, order_type, total, revenue, items)
    SELECT event.workspace_id, place.node_id, -1, 'EVENT', event.type, event.context,
           event.date, event.registered_at, CASE WHEN event.version > 1 THEN event.updated_at END,
           CASE WHEN event.context = 'WEB' OR bought.order_type IS NOT NULL THEN place.person END,
           CASE WHEN event.context = 'WEB' AND event.bring_back_type = 'SESSION_ID'
     THEN md5(event.bring_back_value)::uuid END, bought.order_type, bought.total, bought.revenue, bought.items
    FROM went AS event
    CROSS JOIN LATERAL (SELECT event.node_id, coalesce(
    event.customer_id, analytics_stranger(event.bring_back_type, event.bring_back_value))
UNION ALL
SELECT member.aggregate_node_id, analytics_person(member.match_key)
FROM customers_aggregatemember AS member
WHERE member.workspace_id = event.workspace_id AND member.entry_id = event.customer_id
) AS place (node_id, person)
    LEFT JOIN LATERAL (SELECT coalesce(event.properties ->> 'type', 'sale') AS order_type,
       analytics_spent(event.properties, event.properties #> '{amount,total}') AS total,
       analytics_spent(event.properties, coalesce(
           event.properties #> '{amount,revenue}', event.properties #> '{amount,total}'
       )) AS revenue,
       analytics_items(event.properties) AS items
WHERE event.type = 'completedOrder' AND event.context IN ('ECOMMERCE', 'RETAIL')
OFFSET 0
) AS bought ON TRUE;

    INSERT INTO analytics_delta
        (workspace_id, node_id, weight, subject, name, context, happened_at, registered_at,
         updated_at, person, session, order_type, total, revenue, items)
    SELECT event.workspace_id, place.node_id, 1, 'EVENT', event.type, event.context,
           event.date, event.registered_at, CASE WHEN event.version > 1 THEN event.updated_at END,
           CASE WHEN event.context = 'WEB' OR bought.order_type IS NOT NULL THEN place.person END,
           CASE WHEN event.context = 'WEB' AND event.bring_back_type = 'SESSION_ID'
     THEN md5(event.bring_back_value)::uuid END, bought.order_type, bought.total, bought.revenue, bought.items
    FROM came AS event
    CROSS JOIN LATERAL (SELECT event.node_id, coalesce(
    event.customer_id, analytics_stranger(event.bring_back_type, event.bring_back_value))
UNION ALL
SELECT member.aggregate_node_id, analytics_person(member.match_key)
FROM customers_aggregatemember AS member
WHERE member.workspace_id = event.workspace_id AND member.entry_id = event.customer_id
) AS place (node_id, person)
    LEFT JOIN LATERAL (SELECT coalesce(event.properties ->> 'type', 'sale') AS order_type,
       analytics_spent(event.properties, event.properties #> '{amount,total}') AS total,
       analytics_spent(event.properties, coalesce(
           event.properties #> '{amount,revenue}', event.properties #> '{amount,total}'
       )) AS revenue,
       analytics_items(event.properties) AS items
WHERE event.type = 'completedOrder' AND event.context IN ('ECOMMERCE', 'RETAIL')
OFFSET 0
) AS bought ON TRUE;

    RETURN NULL;
END $$;

CREATE FUNCTION analytics_customers_came() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM came) THEN RETURN NULL; END IF;
    INSERT INTO analytics_delta
        (workspace_id, node_id, weight, subject, name, registered_at, updated_at)
    SELECT workspace_id, node_id, 1 * count(*),
           CASE deleted WHEN 0 THEN 'CUSTOMER' ELSE 'RECORD' END AS subject,
           analytics_channel(base) AS name, date_trunc('hour', registered_at, 'UTC') AS registered,
           CASE WHEN version > 1 THEN date_trunc('hour', updated_at, 'UTC') END AS updated
    FROM came GROUP BY workspace_id, node_id, subject, name, registered, updated;

    RETURN NULL;
END $$;

CREATE FUNCTION analytics_customers_went() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM went) THEN RETURN NULL; END IF;
    INSERT INTO analytics_delta
        (workspace_id, node_id, weight, subject, name, registered_at, updated_at)
    SELECT workspace_id, node_id, -1 * count(*),
           CASE deleted WHEN 0 THEN 'CUSTOMER' ELSE 'RECORD' END AS subject,
           analytics_channel(base) AS name, date_trunc('hour', registered_at, 'UTC') AS registered,
           CASE WHEN version > 1 THEN date_trunc('hour', updated_at, 'UTC') END AS updated
    FROM went GROUP BY workspace_id, node_id, subject, name, registered, updated;

    RETURN NULL;
END $$;

CREATE FUNCTION analytics_deletions_came() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM came WHERE operation = 'DELETE' AND NOT is_duplicate) THEN RETURN NULL; END IF;
    INSERT INTO analytics_delta (workspace_id, node_id, weight, subject, name, happened_at)
    SELECT workspace_id, node_id, 1 * count(*), 'DELETION', entity,
           date_trunc('hour', changed_at, 'UTC') AS hour
    FROM came WHERE operation = 'DELETE' AND NOT is_duplicate
    GROUP BY workspace_id, node_id, entity, hour;

    RETURN NULL;
END $$;

CREATE FUNCTION analytics_deletions_went() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM went WHERE operation = 'DELETE' AND NOT is_duplicate) THEN RETURN NULL; END IF;
    INSERT INTO analytics_delta (workspace_id, node_id, weight, subject, name, happened_at)
    SELECT workspace_id, node_id, -1 * count(*), 'DELETION', entity,
           date_trunc('hour', changed_at, 'UTC') AS hour
    FROM went WHERE operation = 'DELETE' AND NOT is_duplicate
    GROUP BY workspace_id, node_id, entity, hour;

    RETURN NULL;
END $$;

CREATE FUNCTION analytics_members_came() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM came) THEN RETURN NULL; END IF;
    PERFORM analytics_note_members(array_agg(came::customers_aggregatemember), 1) FROM came;
    RETURN NULL;
END $$;

CREATE FUNCTION analytics_members_went() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM went) THEN RETURN NULL; END IF;
    PERFORM analytics_note_members(array_agg(went::customers_aggregatemember), -1) FROM went;
    RETURN NULL;
END $$;

CREATE FUNCTION analytics_members_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM went) THEN RETURN NULL; END IF;
    PERFORM analytics_note_members(array_agg(went::customers_aggregatemember), -1)
    FROM went JOIN came USING (id) WHERE went.match_key <> came.match_key;
    PERFORM analytics_note_members(array_agg(came::customers_aggregatemember), 1)
    FROM went JOIN came USING (id) WHERE went.match_key <> came.match_key;
    RETURN NULL;
END $$;

CREATE FUNCTION analytics_customer_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO analytics_delta
        (workspace_id, node_id, weight, subject, name, registered_at, updated_at)
    SELECT workspace_id, node_id, -1 * count(*),
           CASE deleted WHEN 0 THEN 'CUSTOMER' ELSE 'RECORD' END AS subject,
           analytics_channel(base) AS name, date_trunc('hour', registered_at, 'UTC') AS registered,
           CASE WHEN version > 1 THEN date_trunc('hour', updated_at, 'UTC') END AS updated
    FROM (SELECT OLD.*) AS went GROUP BY workspace_id, node_id, subject, name, registered, updated;

    INSERT INTO analytics_delta
        (workspace_id, node_id, weight, subject, name, registered_at, updated_at)
    SELECT workspace_id, node_id, 1 * count(*),
           CASE deleted WHEN 0 THEN 'CUSTOMER' ELSE 'RECORD' END AS subject,
           analytics_channel(base) AS name, date_trunc('hour', registered_at, 'UTC') AS registered,
           CASE WHEN version > 1 THEN date_trunc('hour', updated_at, 'UTC') END AS updated
    FROM (SELECT NEW.*) AS came GROUP BY workspace_id, node_id, subject, name, registered, updated;

    RETURN NULL;
END $$;

CREATE TRIGGER analytics_counts AFTER INSERT ON events_event REFERENCING NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION analytics_events_came();

CREATE TRIGGER analytics_forgets AFTER DELETE ON events_event REFERENCING OLD TABLE AS went
FOR EACH STATEMENT EXECUTE FUNCTION analytics_events_went();

CREATE TRIGGER analytics_recounts AFTER UPDATE ON events_event
REFERENCING OLD TABLE AS went NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION analytics_events_changed();

CREATE TRIGGER analytics_counts AFTER INSERT ON customers_customer REFERENCING NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION analytics_customers_came();

CREATE TRIGGER analytics_forgets AFTER DELETE ON customers_customer REFERENCING OLD TABLE AS went
FOR EACH STATEMENT EXECUTE FUNCTION analytics_customers_went();

CREATE TRIGGER analytics_counts AFTER INSERT ON customers_change REFERENCING NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION analytics_deletions_came();

CREATE TRIGGER analytics_forgets AFTER DELETE ON customers_change REFERENCING OLD TABLE AS went
FOR EACH STATEMENT EXECUTE FUNCTION analytics_deletions_went();

CREATE TRIGGER analytics_counts AFTER INSERT ON customers_aggregatemember REFERENCING NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION analytics_members_came();

CREATE TRIGGER analytics_forgets AFTER DELETE ON customers_aggregatemember REFERENCING OLD TABLE AS went
FOR EACH STATEMENT EXECUTE FUNCTION analytics_members_went();

CREATE TRIGGER analytics_recounts AFTER UPDATE ON customers_aggregatemember
REFERENCING OLD TABLE AS went NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION analytics_members_changed();

-- Nothing that is counted changes by a second update within the hour: no day begins in between.
CREATE TRIGGER analytics_recounts AFTER UPDATE ON customers_customer
FOR EACH ROW WHEN (
    (OLD.node_id, OLD.deleted = 0, OLD.version > 1, OLD.registered_at)
        IS DISTINCT FROM (NEW.node_id, NEW.deleted = 0, NEW.version > 1, NEW.registered_at)
    OR date_trunc('hour', OLD.updated_at, 'UTC') <> date_trunc('hour', NEW.updated_at, 'UTC')
    OR OLD.base -> 'contacts' IS DISTINCT FROM NEW.base -> 'contacts'
)
EXECUTE FUNCTION analytics_customer_changed();
