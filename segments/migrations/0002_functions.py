from django.db import migrations

from contacthub_project.db.frozen_sql import run_frozen


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0001_initial"),
        ("events", "0001_initial"),
        ("segments", "0001_initial"),
    ]

    operations = [
        run_frozen(
            __file__,
            "note_pending_customers",
            undo="DROP FUNCTION segments_note_deleted_events(), segments_note_deleted_members(),"
            " segments_note_moved_members(), segments_note_moved_event() CASCADE",
        ),
    ]
