import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='ErasureReceipt',
            fields=[
                ('pk', models.CompositePrimaryKey('workspace_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField()),
                ('id', models.UUIDField()),
                ('number', models.BigIntegerField()),
                ('moment', models.DateTimeField()),
                ('cause', models.CharField(choices=[('REQUEST', 'Request'), ('DELETED_DAYS', 'Deleted Days')], max_length=16)),
                ('scope', models.CharField(choices=[('NODE', 'Node'), ('WORKSPACE', 'Workspace')], max_length=16)),
                ('user_id', models.BigIntegerField(null=True)),
                ('source_id', models.UUIDField(null=True)),
                ('customers', models.JSONField()),
                ('customer_ids', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ('tables', models.JSONField()),
                ('files', models.JSONField()),
                ('previous_hash', models.BinaryField(max_length=32)),
                ('hash', models.BinaryField(max_length=32)),
            ],
            options={
                'indexes': [models.Index(models.F('workspace_id'), models.OrderBy(models.F('moment'), descending=True), models.OrderBy(models.F('number'), descending=True), name='erasure_receipts_newest'), django.contrib.postgres.indexes.GinIndex(fields=['customer_ids'], name='erasure_receipts_of_customer')],
                'constraints': [models.UniqueConstraint(fields=('workspace_id', 'number'), name='erasure_receipt_number_once'), models.UniqueConstraint(fields=('workspace_id', 'previous_hash'), name='erasure_receipt_follows_one'), models.CheckConstraint(condition=models.Q(('cause__in', ['REQUEST', 'DELETED_DAYS'])), name='erasure_receipt_cause_known'), models.CheckConstraint(condition=models.Q(('scope__in', ['NODE', 'WORKSPACE'])), name='erasure_receipt_scope_known'), models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='erasure_receipt_numbered')],
            },
        ),
        # The chain can only grow, but for that of a workspace that is no more.
        migrations.RunSQL(
            """
            CREATE FUNCTION customers_receipts_only_grow() RETURNS trigger
            LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'DELETE' AND NOT EXISTS (
                    SELECT FROM configuration_workspace
                    WHERE id = OLD.workspace_id AND removed_at IS NULL
                ) THEN
                    RETURN OLD;
                END IF;
                RAISE EXCEPTION 'receipts of erasures can neither be changed nor deleted'
                    USING ERRCODE = 'restrict_violation';
            END
            $$;
            CREATE TRIGGER receipts_only_grow
                BEFORE UPDATE OR DELETE ON customers_erasurereceipt
                FOR EACH ROW EXECUTE FUNCTION customers_receipts_only_grow();
            """,
            """
            DROP TRIGGER receipts_only_grow ON customers_erasurereceipt;
            DROP FUNCTION customers_receipts_only_grow();
            """,
        ),
    ]
