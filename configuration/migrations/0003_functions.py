from django.db import migrations

from contacthub_project.db.frozen_sql import run_frozen

# As `manage.py createcachetable` makes it; guesses at second factors are counted there.
CACHE = """
CREATE TABLE configuration_cache (
    cache_key varchar(255) NOT NULL PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX configuration_cache_expires ON configuration_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("configuration", "0002_api_clients"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        run_frozen(
            __file__,
            "note_changes_of_access",
            undo="""
            DROP TRIGGER member_removed ON configuration_membership;
            DROP TRIGGER user_changed ON configuration_user;
            DROP TRIGGER user_added ON configuration_user;
            DROP FUNCTION configuration_member_removed, configuration_user_changed,
                configuration_user_added, configuration_end_tokens, configuration_record_change;
            """,
        ),
        run_frozen(
            __file__,
            "note_second_factors",
            undo="DROP FUNCTION configuration_second_factor_changed CASCADE",
        ),
        migrations.RunSQL(CACHE, "DROP TABLE configuration_cache"),
    ]
