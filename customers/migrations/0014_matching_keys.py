from django.db import migrations, models

from contacthub_project.db.sql import rendered


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0013_aggregate_pins'),
    ]

    operations = [
        migrations.AddField(
            model_name='newkey',
            name='further_keys',
            field=models.JSONField(default=list),
        ),
        migrations.CreateModel(
            name='MatchingKey',
            fields=[
                ('pk', models.CompositePrimaryKey('workspace_id', 'customer_id', 'key', blank=True, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField()),
                ('node_id', models.UUIDField()),
                ('customer_id', models.UUIDField()),
                ('rule', models.SmallIntegerField()),
                ('key', models.BinaryField(max_length=32)),
                ('holds', models.BooleanField()),
                ('claimed_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['workspace_id', 'node_id', 'key', 'claimed_at'], name='matching_keys_by_key')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('holds', True)), fields=('workspace_id', 'node_id', 'key'), name='matching_key_held_once'), models.CheckConstraint(condition=models.Q(('rule__gte', 1)), name='matching_key_of_further_rule')],
            },
        ),
        migrations.RunSQL(
            rendered("customers/sql/functions/write_keyed_customers"),
            "DROP FUNCTION customers_write_keyed",
        ),
    ]
