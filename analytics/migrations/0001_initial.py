from pathlib import Path

import analytics.models.exact_number
from django.db import migrations, models


# A frozen copy of what analytics/sql/counting_triggers.sql gave when the migration was made.
COUNTING = Path(__file__).with_name("0001_counting.sql").read_text()
UNDO = """
DROP FUNCTION analytics_events_came(), analytics_events_went(), analytics_events_changed(),
    analytics_customers_came(), analytics_customers_went(), analytics_customer_changed(),
    analytics_deletions_came(), analytics_deletions_went(), analytics_members_came(),
    analytics_members_went(), analytics_members_changed() CASCADE;
DROP FUNCTION analytics_note_members(customers_aggregatemember[], integer);
DROP FUNCTION analytics_person(bytea), analytics_stranger(text, text),
    analytics_spent(jsonb, jsonb), analytics_items(jsonb), analytics_channel(jsonb),
    analytics_has_text(text);
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
        migrations.RunSQL(COUNTING, UNDO),
    ]
