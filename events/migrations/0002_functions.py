from pathlib import Path

from django.db import migrations

from contacthub_project.db.frozen_sql import run_frozen
from customers.migrations import __file__ as customers_migrations

IS_AWAITED_BEFORE = Path(customers_migrations).with_name("sql") / "0002_is_awaited.sql"


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0002_functions"),
        ("events", "0001_initial"),
    ]

    operations = [
        run_frozen(
            __file__,
            "duplicate_changes",
            undo="""
            DROP FUNCTION events_came(), events_went(), events_changed(), events_members_went(),
                events_members_changed() CASCADE;
            DROP FUNCTION events_note_members(customers_aggregatemember[], text);
            """,
        ),
        run_frozen(__file__, "is_awaited", undo=IS_AWAITED_BEFORE.read_text()),
        run_frozen(__file__, "write_events", undo="DROP FUNCTION events_write"),
    ]
