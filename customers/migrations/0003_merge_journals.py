from pathlib import Path

from django.db import migrations, models

from contacthub_project.db.frozen_sql import run_frozen

FORMER = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0002_functions"),
    ]

    operations = [
        migrations.AddField(
            model_name="valuechange",
            name="after",
            field=models.JSONField(null=True),
        ),
        migrations.AddIndex(
            model_name="valuechange",
            index=models.Index(
                condition=models.Q(("after__isnull", True)),
                fields=["workspace_id", "changed_at"],
                name="value_changes_not_journals",
            ),
        ),
        run_frozen(
            __file__,
            "write_customers",
            undo=(FORMER / "0002_write_customers.sql").read_text(),
        ),
        run_frozen(
            __file__,
            "write_keyed_customers",
            undo=(FORMER / "0002_write_keyed_customers.sql").read_text(),
        ),
    ]
