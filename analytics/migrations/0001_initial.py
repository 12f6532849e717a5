import analytics.models.exact_number
from django.db import migrations, models


# What is counted is told in docs/analytics.md. `analytics.facts` counts the same of the raw rows by
# its own statements; tests compare the two.
FUNCTIONS = """
CREATE FUNCTION analytics_channel(base jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN coalesce(base #>> '{contacts,email}', '') <> ''
        THEN CASE WHEN coalesce(base #>> '{contacts,mobilePhone}', '') <> ''
                  THEN 'EMAIL_AND_MOBILE' ELSE 'EMAIL_ONLY' END
    WHEN coalesce(base #>> '{contacts,mobilePhone}', '') <> '' THEN 'MOBILE_ONLY'
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

CREATE FUNCTION analytics_note_event(
    event events_event, its_sign integer, its_node uuid, its_person uuid
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF event.type = 'completedOrder' AND event.context IN ('ECOMMERCE', 'RETAIL') THEN
        INSERT INTO analytics_delta
            (workspace_id, node_id, sign, subject, name, context, happened_at, registered_at,
             updated_at, person, order_type, total, revenue, items)
        VALUES (
            event.workspace_id, its_node, its_sign, 'EVENT', event.type, event.context,
            event.date, event.registered_at,
            CASE WHEN event.version > 1 THEN event.updated_at END, its_person,
            coalesce(event.properties ->> 'type', 'sale'),
            analytics_spent(event.properties, event.properties #> '{amount,total}'),
            analytics_spent(event.properties, coalesce(
                event.properties #> '{amount,revenue}', event.properties #> '{amount,total}')),
            analytics_items(event.properties)
        );
    ELSE
        INSERT INTO analytics_delta
            (workspace_id, node_id, sign, subject, name, context, happened_at, registered_at,
             updated_at, person, session)
        VALUES (
            event.workspace_id, its_node, its_sign, 'EVENT', event.type, event.context,
            event.date, event.registered_at,
            CASE WHEN event.version > 1 THEN event.updated_at END,
            CASE WHEN event.context = 'WEB' THEN its_person END,
            CASE WHEN event.context = 'WEB' AND event.bring_back_type = 'SESSION_ID'
                 THEN md5(event.bring_back_value)::uuid END
        );
    END IF;
END $$;

-- In its own node, and in every aggregate node that shows it.
CREATE FUNCTION analytics_note_everywhere(event events_event, its_sign integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    member record;
BEGIN
    IF event.customer_id IS NULL THEN
        PERFORM analytics_note_event(event, its_sign, event.node_id,
            analytics_stranger(event.bring_back_type, event.bring_back_value));
        RETURN;
    END IF;
    PERFORM analytics_note_event(event, its_sign, event.node_id, event.customer_id);
    FOR member IN
        SELECT aggregate_node_id, match_key FROM customers_aggregatemember
        WHERE entry_id = event.customer_id
    LOOP
        PERFORM analytics_note_event(
            event, its_sign, member.aggregate_node_id, analytics_person(member.match_key));
    END LOOP;
END $$;

CREATE FUNCTION analytics_event_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN PERFORM analytics_note_everywhere(OLD, -1); END IF;
    PERFORM analytics_note_everywhere(NEW, 1);
    RETURN NULL;
END $$;

-- Purges and deletions take thousands at once: one statement for all of them.
CREATE FUNCTION analytics_events_went() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO analytics_delta
        (workspace_id, node_id, sign, subject, name, context, happened_at, registered_at,
         updated_at, person, session, order_type, total, revenue, items)
    SELECT event.workspace_id, place.node_id, -1, 'EVENT', event.type, event.context, event.date,
           event.registered_at, CASE WHEN event.version > 1 THEN event.updated_at END,
           CASE WHEN event.context = 'WEB' OR bought.order_type IS NOT NULL THEN place.person END,
           CASE WHEN event.context = 'WEB' AND event.bring_back_type = 'SESSION_ID'
                THEN md5(event.bring_back_value)::uuid END,
           bought.order_type, bought.total, bought.revenue, bought.items
    FROM went AS event
    CROSS JOIN LATERAL (
        SELECT event.node_id, coalesce(
            event.customer_id, analytics_stranger(event.bring_back_type, event.bring_back_value))
        UNION ALL
        SELECT member.aggregate_node_id, analytics_person(member.match_key)
        FROM customers_aggregatemember AS member WHERE member.entry_id = event.customer_id
    ) AS place (node_id, person)
    LEFT JOIN LATERAL (
        SELECT coalesce(event.properties ->> 'type', 'sale') AS order_type,
               analytics_spent(event.properties, event.properties #> '{amount,total}') AS total,
               analytics_spent(event.properties, coalesce(
                   event.properties #> '{amount,revenue}', event.properties #> '{amount,total}'
               )) AS revenue,
               analytics_items(event.properties) AS items
    ) AS bought ON event.type = 'completedOrder' AND event.context IN ('ECOMMERCE', 'RETAIL');
    RETURN NULL;
END $$;

CREATE FUNCTION analytics_note_customer(customer customers_customer, its_sign integer)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO analytics_delta
        (workspace_id, node_id, sign, subject, name, registered_at, updated_at)
    VALUES (customer.workspace_id, customer.node_id, its_sign,
            CASE customer.deleted WHEN 0 THEN 'CUSTOMER' ELSE 'RECORD' END,
            analytics_channel(customer.base), customer.registered_at,
            CASE WHEN customer.version > 1 THEN customer.updated_at END);
END $$;

CREATE FUNCTION analytics_customer_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN PERFORM analytics_note_customer(OLD, -1); END IF;
    IF TG_OP <> 'DELETE' THEN PERFORM analytics_note_customer(NEW, 1); END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION analytics_note_deletion(change customers_change, its_sign integer)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO analytics_delta (workspace_id, node_id, sign, subject, name, happened_at)
    VALUES (change.workspace_id, change.node_id, its_sign, 'DELETION', change.entity,
            change.changed_at);
END $$;

CREATE FUNCTION analytics_deletion_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN PERFORM analytics_note_deletion(NEW, 1);
    ELSE PERFORM analytics_note_deletion(OLD, -1); END IF;
    RETURN NULL;
END $$;

-- Whoever inserts an event holds its customer, so customers are held here before their events are
-- looked at, and the events against those who change or delete them: each sees what the other did.
CREATE FUNCTION analytics_note_members(members customers_aggregatemember[], its_sign integer)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM customers_customer
    WHERE id IN (SELECT entry_id FROM unnest(members)) ORDER BY id FOR UPDATE;
    PERFORM FROM events_event
    WHERE customer_id IN (SELECT entry_id FROM unnest(members)) ORDER BY id FOR SHARE;
    PERFORM analytics_note_event(
        event, its_sign, member.aggregate_node_id, analytics_person(member.match_key))
    FROM unnest(members) AS member JOIN events_event AS event ON event.customer_id = member.entry_id;
END $$;

CREATE FUNCTION analytics_members_came() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM analytics_note_members(array_agg(came::customers_aggregatemember), 1) FROM came;
    RETURN NULL;
END $$;

CREATE FUNCTION analytics_members_went() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM analytics_note_members(array_agg(went::customers_aggregatemember), -1) FROM went;
    RETURN NULL;
END $$;

-- Another key is another person.
CREATE FUNCTION analytics_members_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM analytics_note_members(array_agg(went::customers_aggregatemember), -1)
    FROM went JOIN came USING (id) WHERE went.match_key <> came.match_key;
    PERFORM analytics_note_members(array_agg(came::customers_aggregatemember), 1)
    FROM went JOIN came USING (id) WHERE went.match_key <> came.match_key;
    RETURN NULL;
END $$;
"""
TRIGGERS = """
CREATE TRIGGER analytics_counts AFTER INSERT OR UPDATE ON events_event
FOR EACH ROW EXECUTE FUNCTION analytics_event_written();

CREATE TRIGGER analytics_forgets AFTER DELETE ON events_event
REFERENCING OLD TABLE AS went
FOR EACH STATEMENT EXECUTE FUNCTION analytics_events_went();

CREATE TRIGGER analytics_counts AFTER INSERT OR DELETE ON customers_customer
FOR EACH ROW EXECUTE FUNCTION analytics_customer_written();

-- Nothing that is counted changes by a second update within the hour: no day begins in between.
CREATE TRIGGER analytics_recounts AFTER UPDATE ON customers_customer
FOR EACH ROW WHEN (
    (OLD.node_id, OLD.deleted = 0, OLD.version > 1, OLD.registered_at)
        IS DISTINCT FROM (NEW.node_id, NEW.deleted = 0, NEW.version > 1, NEW.registered_at)
    OR date_trunc('hour', OLD.updated_at, 'UTC') <> date_trunc('hour', NEW.updated_at, 'UTC')
    OR OLD.base -> 'contacts' IS DISTINCT FROM NEW.base -> 'contacts'
)
EXECUTE FUNCTION analytics_customer_written();

CREATE TRIGGER analytics_counts AFTER INSERT ON customers_change
FOR EACH ROW WHEN (NEW.operation = 'DELETE') EXECUTE FUNCTION analytics_deletion_written();

CREATE TRIGGER analytics_forgets AFTER DELETE ON customers_change
FOR EACH ROW WHEN (OLD.operation = 'DELETE') EXECUTE FUNCTION analytics_deletion_written();

CREATE TRIGGER analytics_came AFTER INSERT ON customers_aggregatemember
REFERENCING NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION analytics_members_came();

CREATE TRIGGER analytics_went AFTER DELETE ON customers_aggregatemember
REFERENCING OLD TABLE AS went
FOR EACH STATEMENT EXECUTE FUNCTION analytics_members_went();

CREATE TRIGGER analytics_changed AFTER UPDATE ON customers_aggregatemember
REFERENCING OLD TABLE AS went NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION analytics_members_changed();
"""
UNDO = """
DROP FUNCTION analytics_members_changed(), analytics_members_went(), analytics_members_came(),
    analytics_deletion_written(), analytics_customer_written(), analytics_event_written(),
    analytics_events_went() CASCADE;
DROP FUNCTION analytics_note_members(customers_aggregatemember[], integer);
DROP FUNCTION analytics_note_deletion(customers_change, integer);
DROP FUNCTION analytics_note_customer(customers_customer, integer);
DROP FUNCTION analytics_note_everywhere(events_event, integer);
DROP FUNCTION analytics_note_event(events_event, integer, uuid, uuid);
DROP FUNCTION analytics_person(bytea), analytics_stranger(text, text),
    analytics_spent(jsonb, jsonb), analytics_items(jsonb), analytics_channel(jsonb);
DROP FUNCTION analytics_number(jsonb, numeric);
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ("configuration", "0001_initial"),
        ("customers", "0001_initial"),
        ("events", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name='Counter',
            fields=[
                ('pk', models.CompositePrimaryKey('workspace_id', 'node_id', 'metric', 'day', 'key', blank=True, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField()),
                ('node_id', models.UUIDField()),
                ('metric', models.CharField(max_length=32)),
                ('day', models.DateField()),
                ('key', models.CharField(max_length=64)),
                ('value', analytics.models.exact_number.ExactNumber()),
            ],
        ),
        migrations.CreateModel(
            name='Delta',
            fields=[
                ('pk', models.CompositePrimaryKey('workspace_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField()),
                ('id', models.BigIntegerField()),
                ('node_id', models.UUIDField()),
                ('sign', models.SmallIntegerField()),
                ('subject', models.CharField(choices=[('CUSTOMER', 'Customer'), ('RECORD', 'Record'), ('EVENT', 'Event'), ('DELETION', 'Deletion')], max_length=8)),
                ('name', models.CharField(max_length=32)),
                ('context', models.CharField(max_length=20, null=True)),
                ('happened_at', models.DateTimeField(null=True)),
                ('registered_at', models.DateTimeField(null=True)),
                ('updated_at', models.DateTimeField(null=True)),
                ('person', models.UUIDField(null=True)),
                ('session', models.UUIDField(null=True)),
                ('order_type', models.CharField(max_length=16, null=True)),
                ('total', analytics.models.exact_number.ExactNumber(null=True)),
                ('revenue', analytics.models.exact_number.ExactNumber(null=True)),
                ('items', analytics.models.exact_number.ExactNumber(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Ledger',
            fields=[
                ('workspace_id', models.UUIDField(primary_key=True, serialize=False)),
                ('time_zone', models.CharField(max_length=64)),
                ('folded_at', models.DateTimeField(null=True)),
                ('recounted_at', models.DateTimeField(null=True)),
                ('differences', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Presence',
            fields=[
                ('pk', models.CompositePrimaryKey('workspace_id', 'node_id', 'kind', 'day', 'member', blank=True, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField()),
                ('node_id', models.UUIDField()),
                ('kind', models.CharField(max_length=32)),
                ('day', models.DateField()),
                ('member', models.UUIDField()),
                ('times', models.BigIntegerField()),
            ],
        ),
        # Only triggers insert deltas; they go again within seconds, in great numbers.
        migrations.RunSQL(
            """
            ALTER TABLE analytics_delta ALTER id ADD GENERATED ALWAYS AS IDENTITY;
            ALTER TABLE analytics_delta SET (
                autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000
            );
            """,
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop),
        migrations.RunSQL(TRIGGERS, UNDO),
    ]
