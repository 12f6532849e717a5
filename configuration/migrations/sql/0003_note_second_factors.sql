-- Who adds or removes a second factor (allauth.mfa), by whatever way, it is in the audit log; with the last
-- one that is removed sessions and tokens end.
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
