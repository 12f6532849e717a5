from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # as indexes that hold up no writer demand

    dependencies = [
        ("customers", "0003_identity"),
    ]

    operations = [
        ValidateConstraint(model_name="customer", name="customer_deleted_had_keys"),
        AddIndexConcurrently(
            model_name="customer",
            index=GinIndex(
                condition=models.Q(("former_keys__isnull", False), ("deleted", 1)),
                fastupdate=False,
                fields=["former_keys"],
                name="customer_former_keys",
            ),
        ),
        AddIndexConcurrently(
            model_name="valuechange",
            index=models.Index(
                condition=models.Q(("after__isnull", True)),
                fields=["workspace_id", "changed_at"],
                name="value_changes_not_journals",
            ),
        ),
    ]
