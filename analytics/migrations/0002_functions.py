from django.db import migrations

from contacthub_project.db.frozen_sql import run_frozen


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0001_initial"),
        ("customers", "0002_functions"),
        ("events", "0002_functions"),
    ]

    operations = [
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
        run_frozen(
            __file__,
            "counting_triggers",
            undo="""
            DROP FUNCTION analytics_events_came(), analytics_events_went(),
                analytics_events_changed(), analytics_customers_came(), analytics_customers_went(),
                analytics_customer_changed(), analytics_deletions_came(),
                analytics_deletions_went(), analytics_members_came(), analytics_members_went(),
                analytics_members_changed() CASCADE;
            DROP FUNCTION analytics_note_members(customers_aggregatemember[], integer);
            DROP FUNCTION analytics_person(bytea), analytics_stranger(text, text),
                analytics_spent(jsonb, jsonb), analytics_items(jsonb), analytics_channel(jsonb),
                analytics_has_text(text);
            DROP FUNCTION analytics_number(jsonb, numeric);
            """,
        ),
    ]
