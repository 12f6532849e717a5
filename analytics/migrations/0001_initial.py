import analytics.models.exact_number
from django.db import migrations, models


def _note_events(weight: int | str, events: str) -> str:
    """The statement that notes events in the node and for the person of their `place`."""
    return f"""
    INSERT INTO analytics_delta
        (workspace_id, node_id, weight, subject, name, context, happened_at, registered_at,
         updated_at, person, session, order_type, total, revenue, items)
    SELECT event.workspace_id, place.node_id, {weight}, 'EVENT', event.type, event.context,
           event.date, event.registered_at, CASE WHEN event.version > 1 THEN event.updated_at END,
           CASE WHEN event.context = 'WEB' OR bought.order_type IS NOT NULL THEN place.person END,
           CASE WHEN event.context = 'WEB' AND event.bring_back_type = 'SESSION_ID'
                THEN md5(event.bring_back_value)::uuid END,
           bought.order_type, bought.total, bought.revenue, bought.items
    FROM {events}
    LEFT JOIN LATERAL (
        SELECT coalesce(event.properties ->> 'type', 'sale') AS order_type,
               analytics_spent(event.properties, event.properties #> '{{amount,total}}') AS total,
               analytics_spent(event.properties, coalesce(
                   event.properties #> '{{amount,revenue}}', event.properties #> '{{amount,total}}'
               )) AS revenue,
               analytics_items(event.properties) AS items
        WHERE event.type = 'completedOrder' AND event.context IN ('ECOMMERCE', 'RETAIL')
        OFFSET 0 -- a fence: without it sums are reckoned of every event, and then thrown away
    ) AS bought ON true;
"""


def _events(weight: int, rows: str) -> str:
    """Note rows of events: in their own node, and in every aggregate node that shows them."""
    return _note_events(weight, f"""{rows} AS event
    CROSS JOIN LATERAL (
        SELECT event.node_id, coalesce(
            event.customer_id, analytics_stranger(event.bring_back_type, event.bring_back_value))
        UNION ALL
        SELECT member.aggregate_node_id, analytics_person(member.match_key)
        FROM customers_aggregatemember AS member WHERE member.entry_id = event.customer_id
    ) AS place (node_id, person)""")


def _events_of_members(weight: str) -> str:
    """Note the events of `members` in their aggregate node."""
    return _note_events(weight, """unnest(members) AS member
    JOIN events_event AS event ON event.customer_id = member.entry_id
    CROSS JOIN LATERAL (
        SELECT member.aggregate_node_id, analytics_person(member.match_key)
    ) AS place (node_id, person)""")


def _customers(weight: int, rows: str) -> str:
    """Note rows of customers; those alike within an hour are one, as no day begins within it."""
    return f"""
    INSERT INTO analytics_delta
        (workspace_id, node_id, weight, subject, name, registered_at, updated_at)
    SELECT workspace_id, node_id, {weight} * count(*),
           CASE deleted WHEN 0 THEN 'CUSTOMER' ELSE 'RECORD' END AS subject,
           analytics_channel(base) AS name, date_trunc('hour', registered_at, 'UTC') AS registered,
           CASE WHEN version > 1 THEN date_trunc('hour', updated_at, 'UTC') END AS updated
    FROM {rows} GROUP BY workspace_id, node_id, subject, name, registered, updated;
"""


def _deletions(weight: int, rows: str) -> str:
    """Note what the update stream tells of deletions."""
    return f"""
    INSERT INTO analytics_delta (workspace_id, node_id, weight, subject, name, happened_at)
    SELECT workspace_id, node_id, {weight} * count(*), 'DELETION', entity,
           date_trunc('hour', changed_at, 'UTC') AS hour
    FROM {rows} GROUP BY workspace_id, node_id, entity, hour;
"""


def _trigger(name: str, rows: str | None, body: str) -> str:
    """A trigger's function; a statement that has written none of `rows` costs next to nothing."""
    nothing = f"""
    IF NOT EXISTS (SELECT FROM {rows}) THEN RETURN NULL; END IF;"""
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN{nothing if rows else ""}{body.rstrip()}
    RETURN NULL;
END $$;
"""


# What is counted is told in docs/analytics.md. `analytics.queries.measures` counts the same of the raw rows by
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
"""
# Whoever inserts an event holds its customer, so customers are held here before their events are
# looked at, and the events against those who change or delete them: each sees what the other did.
# Who are members with another key are other persons.
MEMBERS = f"""
CREATE FUNCTION analytics_note_members(members customers_aggregatemember[], its_weight integer)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM customers_customer
    WHERE id IN (SELECT entry_id FROM unnest(members)) ORDER BY id FOR UPDATE;
    PERFORM FROM events_event
    WHERE customer_id IN (SELECT entry_id FROM unnest(members)) ORDER BY id FOR SHARE;
{_events_of_members("its_weight").strip(chr(10))}
END $$;
"""
CAME_DELETED, WENT_DELETED = (f"{rows} WHERE operation = 'DELETE'" for rows in ("came", "went"))
MEMBERS_CAME = """
    PERFORM analytics_note_members(array_agg(came::customers_aggregatemember), 1) FROM came;
"""
MEMBERS_WENT = """
    PERFORM analytics_note_members(array_agg(went::customers_aggregatemember), -1) FROM went;
"""
MEMBERS_CHANGED = """
    PERFORM analytics_note_members(array_agg(went::customers_aggregatemember), -1)
    FROM went JOIN came USING (id) WHERE went.match_key <> came.match_key;
    PERFORM analytics_note_members(array_agg(came::customers_aggregatemember), 1)
    FROM went JOIN came USING (id) WHERE went.match_key <> came.match_key;
"""
FUNCTIONS += MEMBERS + "".join(
    _trigger(f"analytics_{name}", rows, body)
    for name, rows, body in (
        ("events_came", "came", _events(1, "came")),
        ("events_went", "went", _events(-1, "went")),
        ("events_changed", "went", _events(-1, "went") + _events(1, "came")),
        ("customers_came", "came", _customers(1, "came")),
        ("customers_went", "went", _customers(-1, "went")),
        # A row's trigger: there is a row.
        ("customer_changed", None, _customers(-1, "(SELECT OLD.*) AS went")
         + _customers(1, "(SELECT NEW.*) AS came")),
        ("deletions_came", CAME_DELETED, _deletions(1, CAME_DELETED)),
        ("deletions_went", WENT_DELETED, _deletions(-1, WENT_DELETED)),
        ("members_came", "came", MEMBERS_CAME),
        ("members_went", "went", MEMBERS_WENT),
        ("members_changed", "went", MEMBERS_CHANGED),
    )
)  # fmt: skip
TABLES = {"I": ("INSERT", "NEW TABLE AS came"), "D": ("DELETE", "OLD TABLE AS went"),
          "U": ("UPDATE", "OLD TABLE AS went NEW TABLE AS came")}  # fmt: skip
TRIGGERS = "".join(
    f"""
CREATE TRIGGER {name} AFTER {TABLES[event][0]} ON {table} REFERENCING {TABLES[event][1]}
FOR EACH STATEMENT EXECUTE FUNCTION analytics_{function}();
"""
    for table, event, name, function in (
        ("events_event", "I", "analytics_counts", "events_came"),
        ("events_event", "D", "analytics_forgets", "events_went"),
        ("events_event", "U", "analytics_recounts", "events_changed"),
        ("customers_customer", "I", "analytics_counts", "customers_came"),
        ("customers_customer", "D", "analytics_forgets", "customers_went"),
        ("customers_change", "I", "analytics_counts", "deletions_came"),
        ("customers_change", "D", "analytics_forgets", "deletions_went"),
        ("customers_aggregatemember", "I", "analytics_counts", "members_came"),
        ("customers_aggregatemember", "D", "analytics_forgets", "members_went"),
        ("customers_aggregatemember", "U", "analytics_recounts", "members_changed"),
    )
)
# Nothing that is counted changes by a second update within the hour: no day begins in between.
TRIGGERS += """
CREATE TRIGGER analytics_recounts AFTER UPDATE ON customers_customer
FOR EACH ROW WHEN (
    (OLD.node_id, OLD.deleted = 0, OLD.version > 1, OLD.registered_at)
        IS DISTINCT FROM (NEW.node_id, NEW.deleted = 0, NEW.version > 1, NEW.registered_at)
    OR date_trunc('hour', OLD.updated_at, 'UTC') <> date_trunc('hour', NEW.updated_at, 'UTC')
    OR OLD.base -> 'contacts' IS DISTINCT FROM NEW.base -> 'contacts'
)
EXECUTE FUNCTION analytics_customer_changed();
"""
UNDO = """
DROP FUNCTION analytics_events_came(), analytics_events_went(), analytics_events_changed(),
    analytics_customers_came(), analytics_customers_went(), analytics_customer_changed(),
    analytics_deletions_came(), analytics_deletions_went(), analytics_members_came(),
    analytics_members_went(), analytics_members_changed() CASCADE;
DROP FUNCTION analytics_note_members(customers_aggregatemember[], integer);
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
                ('weight', models.IntegerField()),
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
