import django.utils.timezone
from django.db import migrations, models

from contacthub_project.db.keys import TenantPrimaryKey


def identified_by_id(model: str) -> list[migrations.operations.base.Operation]:
    """The model is identified by `id`; the key of two columns in the database stays as it is."""
    return [
        migrations.RemoveField(model_name=model, name="pk"),
        migrations.AlterField(
            model_name=model, name="id", field=models.UUIDField(primary_key=True, serialize=False)
        ),
        migrations.AddConstraint(
            model_name=model, constraint=TenantPrimaryKey(name=f"customers_{model}_pkey")
        ),
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0004_identity_indexes"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                *identified_by_id("erasurereceipt"),
                *identified_by_id("suppressedvalue"),
            ]
        ),
        migrations.CreateModel(
            name="DeletedCustomer",
            fields=[],
            options={
                "verbose_name": "deleted customer",
                "verbose_name_plural": "deleted customers",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("customers.customer",),
        ),
        migrations.AlterModelOptions(
            name="datasubjectrequest",
            options={
                "verbose_name": "request of a person",
                "verbose_name_plural": "requests of people",
            },
        ),
        migrations.AlterModelOptions(
            name="erasurereceipt",
            options={
                "verbose_name": "receipt of an erasure",
                "verbose_name_plural": "receipts of erasures",
            },
        ),
        migrations.AlterModelOptions(
            name="suppressedvalue",
            options={
                "verbose_name": "suppressed value",
                "verbose_name_plural": "suppressed values",
            },
        ),
        migrations.AlterField(
            model_name="datasubjectrequest",
            name="closed_at",
            field=models.DateTimeField(null=True, verbose_name="Closed"),
        ),
        migrations.AlterField(
            model_name="datasubjectrequest",
            name="created_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, editable=False, verbose_name="Entered"
            ),
        ),
        migrations.AlterField(
            model_name="datasubjectrequest",
            name="due_on",
            field=models.DateField(verbose_name="Due"),
        ),
        migrations.AlterField(
            model_name="datasubjectrequest",
            name="note",
            field=models.TextField(blank=True, default="", verbose_name="Note"),
        ),
        migrations.AlterField(
            model_name="datasubjectrequest",
            name="received_on",
            field=models.DateField(verbose_name="Received"),
        ),
        migrations.AlterField(
            model_name="datasubjectrequest",
            name="state",
            field=models.CharField(
                choices=[("OPEN", "Open"), ("DONE", "Done"), ("REFUSED", "Refused")],
                default="OPEN",
                max_length=8,
                verbose_name="State",
            ),
        ),
        migrations.AlterField(
            model_name="datasubjectrequest",
            name="subject",
            field=models.CharField(blank=True, default="", max_length=255, verbose_name="Who asks"),
        ),
        migrations.AlterField(
            model_name="datasubjectrequest",
            name="type",
            field=models.CharField(
                choices=[
                    ("ACCESS", "Access (article 15)"),
                    ("RECTIFICATION", "Rectification (16)"),
                    ("ERASURE", "Erasure (17)"),
                    ("RESTRICTION", "Restriction (18)"),
                    ("PORTABILITY", "Portability (20)"),
                    ("OBJECTION", "Objection (21)"),
                    ("RETURN", "Has come back"),
                ],
                max_length=16,
                verbose_name="What somebody wants",
            ),
        ),
        migrations.AlterField(
            model_name="erasurereceipt",
            name="cause",
            field=models.CharField(
                choices=[
                    ("REQUEST", "The person's request"),
                    ("DELETED_DAYS", "The days of a deletion were over"),
                ],
                max_length=16,
                verbose_name="Why",
            ),
        ),
        migrations.AlterField(
            model_name="erasurereceipt",
            name="moment",
            field=models.DateTimeField(verbose_name="When"),
        ),
        migrations.AlterField(
            model_name="erasurereceipt",
            name="number",
            field=models.BigIntegerField(verbose_name="Number"),
        ),
        migrations.AlterField(
            model_name="erasurereceipt",
            name="scope",
            field=models.CharField(
                choices=[("NODE", "One node"), ("WORKSPACE", "The whole workspace")],
                max_length=16,
                verbose_name="Scope",
            ),
        ),
        migrations.AlterField(
            model_name="suppressedvalue",
            name="created_at",
            field=models.DateTimeField(verbose_name="Since"),
        ),
        migrations.AlterField(
            model_name="suppressedvalue",
            name="kind",
            field=models.CharField(
                choices=[
                    ("EMAIL", "E-mail address"),
                    ("EXTERNAL_ID", "External id"),
                    ("KEY", "Values of the node's policy"),
                ],
                max_length=16,
                verbose_name="What",
            ),
        ),
        migrations.AlterField(
            model_name="suppressedvalue",
            name="lift_reason",
            field=models.CharField(max_length=500, null=True, verbose_name="Why it may come back"),
        ),
        migrations.AlterField(
            model_name="suppressedvalue",
            name="lifted_at",
            field=models.DateTimeField(null=True, verbose_name="Lifted"),
        ),
        migrations.AlterField(
            model_name="suppressedvalue",
            name="returned_at",
            field=models.DateTimeField(null=True, verbose_name="Came back"),
        ),
        migrations.AlterField(
            model_name="suppressedvalue",
            name="returns",
            field=models.PositiveIntegerField(default=0, verbose_name="How often it came back"),
        ),
    ]
