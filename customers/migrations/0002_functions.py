from django.db import migrations

from contacthub_project.db.frozen_sql import run_frozen


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0001_initial"),
    ]

    operations = [
        # The planner does not look at the statistics of partial indexes: without these it would take
        # an e-mail address for something that every two-hundredth customer has.
        migrations.RunSQL(
            """
            CREATE STATISTICS customer_email_values
                ON (customers_folded(base #>> '{contacts,email}')) FROM customers_customer;
            CREATE STATISTICS customer_last_name_values
                ON (customers_folded(base ->> 'lastName')) FROM customers_customer;
            CREATE STATISTICS customer_first_name_values
                ON (customers_folded(base ->> 'firstName')) FROM customers_customer;
            """,
            """
            DROP STATISTICS customer_email_values;
            DROP STATISTICS customer_last_name_values;
            DROP STATISTICS customer_first_name_values;
            """,
        ),
        run_frozen(
            __file__,
            "consent_log_only_grows",
            undo="DROP FUNCTION customers_consent_log_only_grows() CASCADE",
        ),
        run_frozen(
            __file__,
            "receipts_only_grow",
            undo="DROP FUNCTION customers_receipts_only_grow() CASCADE",
        ),
        run_frozen(
            __file__,
            "note_absences",
            undo="DROP FUNCTION customers_note_deletion(), customers_note_removal(),"
            " customers_note_return() CASCADE",
        ),
        run_frozen(__file__, "is_awaited", undo="DROP FUNCTION customers_is_awaited"),
        run_frozen(__file__, "write_customers", undo="DROP FUNCTION customers_write"),
        run_frozen(__file__, "write_keyed_customers", undo="DROP FUNCTION customers_write_keyed"),
    ]
