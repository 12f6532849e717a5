"""What is known of OAuth applications: their tables refer to people, which are of the first migration."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('configuration', '0001_initial'),
        ('oauth2_provider', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='ApiClientAnswers',
            fields=[
                ('application', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='answers', serialize=False, to='oauth2_provider.application')),
                ('date_format', models.CharField(choices=[('Z', 'Z'), ('+0000', '+0000')], default='Z', max_length=5)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('date_format__in', ['Z', '+0000'])), name='api_client_date_format_known')],
            },
        ),
    ]
