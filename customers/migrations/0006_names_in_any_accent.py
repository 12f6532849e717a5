from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Collate

from customers.models.database_functions import Unaccented


class Migration(migrations.Migration):
    atomic = False  # as indexes that hold up no writer demand

    dependencies = [
        ("customers", "0005_registers_in_the_back_office"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="customer",
            index=models.Index(
                models.F("node"),
                Collate(Unaccented(KeyTextTransform("lastName", "base")), "C"),
                condition=models.Q(("deleted", 0)),
                name="customer_last_name_unaccented",
            ),
        ),
        AddIndexConcurrently(
            model_name="customer",
            index=models.Index(
                models.F("node"),
                Collate(Unaccented(KeyTextTransform("firstName", "base")), "C"),
                condition=models.Q(("deleted", 0)),
                name="customer_first_name_unaccented",
            ),
        ),
    ]
