from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('configuration', '0007_identity'),
    ]

    operations = [
        migrations.AddField(
            model_name='node',
            name='matching_rules',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='workspace',
            name='country',
            field=models.CharField(blank=True, max_length=2, null=True),
        ),
    ]
