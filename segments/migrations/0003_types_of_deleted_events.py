from pathlib import Path

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

from contacthub_project.db.frozen_sql import run_frozen

FORMER = Path(__file__).parent / "sql" / "0002_note_pending_customers.sql"
FORMER_FUNCTIONS, _, _ = FORMER.read_text().partition("CREATE TRIGGER")


class Migration(migrations.Migration):
    dependencies = [
        ("segments", "0002_functions"),
    ]

    operations = [
        migrations.AddField(
            model_name="pendingcustomer",
            name="event_types",
            field=ArrayField(base_field=models.TextField(), null=True, size=None),
        ),
        run_frozen(
            __file__,
            "note_types_of_events",
            undo=FORMER_FUNCTIONS.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
        ),
    ]
