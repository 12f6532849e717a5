"""What follows from second factors (allauth.mfa), and where guesses at them are counted.

Who adds or removes one, by whatever way, it is in the audit log; with the last one that is removed
sessions and tokens end.
"""

from django.db import migrations

SECOND_FACTORS = """
CREATE FUNCTION configuration_second_factor_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    person bigint := CASE WHEN TG_OP = 'INSERT' THEN NEW.user_id ELSE OLD.user_id END;
BEGIN
    PERFORM configuration_record_change(
        CASE WHEN TG_OP = 'INSERT' THEN 'Second factor added' ELSE 'Second factor removed' END,
        username, NULL, NULL, NULL
    ) FROM configuration_user WHERE id = person;
    IF TG_OP = 'DELETE' AND NOT EXISTS (
        SELECT FROM mfa_authenticator WHERE user_id = person AND type <> 'recovery_codes'
    ) THEN
        UPDATE configuration_user SET access_version = access_version + 1 WHERE id = person;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER second_factor_added AFTER INSERT ON mfa_authenticator
    FOR EACH ROW WHEN (NEW.type <> 'recovery_codes')
    EXECUTE FUNCTION configuration_second_factor_changed();
CREATE TRIGGER second_factor_removed AFTER DELETE ON mfa_authenticator
    FOR EACH ROW WHEN (OLD.type <> 'recovery_codes')
    EXECUTE FUNCTION configuration_second_factor_changed();
"""
UNDO_SECOND_FACTORS = """
DROP TRIGGER second_factor_removed ON mfa_authenticator;
DROP TRIGGER second_factor_added ON mfa_authenticator;
DROP FUNCTION configuration_second_factor_changed;
"""
# As `manage.py createcachetable` makes it.
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
        ("configuration", "0002_api_client_answers"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        migrations.RunSQL(SECOND_FACTORS, UNDO_SECOND_FACTORS),
        migrations.RunSQL(CACHE, "DROP TABLE configuration_cache"),
    ]
