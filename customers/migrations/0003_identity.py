from pathlib import Path

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

from contacthub_project.db.frozen_sql import run_frozen

FORMER = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0002_functions"),
    ]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="former_keys",
            field=ArrayField(
                base_field=models.BinaryField(max_length=32), editable=False, null=True, size=None
            ),
        ),
        AddConstraintNotValid(
            model_name="customer",
            constraint=models.CheckConstraint(
                condition=models.Q(("former_keys", None), ("deleted", 1), _connector="OR"),
                name="customer_deleted_had_keys",
            ),
        ),
        migrations.AddField(
            model_name="valuechange",
            name="after",
            field=models.JSONField(null=True),
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
