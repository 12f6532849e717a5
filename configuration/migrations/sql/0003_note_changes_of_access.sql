-- People's power: whoever changes it, and by whatever way, it is in the audit log, and with less or other
-- power sessions and tokens end. `contacthub.actor` and `contacthub.workspace` say who changes it and where
-- (configuration.actions.attribution).
CREATE FUNCTION configuration_record_change(
    summary text, person text, place uuid, before jsonb, after jsonb
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO configuration_staffchange
        (user_id, workspace_id, at, method, path, summary, before, after)
    VALUES (
        nullif(current_setting('contacthub.actor', true), '')::bigint,
        coalesce(place, nullif(current_setting('contacthub.workspace', true), '')::uuid),
        clock_timestamp(), 'POST', person, summary, before, after
    )
$$;

CREATE FUNCTION configuration_end_tokens(person bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM oauth2_provider_grant WHERE user_id = person;
    DELETE FROM oauth2_provider_devicegrant WHERE user_id = person;
    DELETE FROM oauth2_provider_refreshtoken WHERE user_id = person;
    -- Client credentials act for the one who registered the client.
    DELETE FROM oauth2_provider_accesstoken WHERE user_id = person OR user_id IS NULL
        AND application_id IN (SELECT id FROM oauth2_provider_application WHERE user_id = person);
    DELETE FROM oauth2_provider_idtoken WHERE user_id = person;
END $$;

CREATE FUNCTION configuration_user_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM configuration_record_change('Person added', NEW.username, NULL, NULL,
        jsonb_build_object('roles', NEW.roles, 'active', NEW.is_active));
    RETURN NULL;
END $$;
CREATE TRIGGER user_added AFTER INSERT ON configuration_user
    FOR EACH ROW WHEN (cardinality(NEW.roles) > 0) EXECUTE FUNCTION configuration_user_added();

CREATE FUNCTION configuration_user_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    has_other_standing boolean := (NEW.roles, NEW.is_active) IS DISTINCT FROM (OLD.roles, OLD.is_active);
BEGIN
    IF has_other_standing THEN
        PERFORM configuration_record_change('Roles changed', NEW.username, NULL,
            jsonb_build_object('roles', OLD.roles, 'active', OLD.is_active),
            jsonb_build_object('roles', NEW.roles, 'active', NEW.is_active));
    END IF;
    IF NEW.is_staff <> OLD.is_staff THEN
        PERFORM configuration_record_change(
            CASE WHEN NEW.is_staff THEN 'Back-office opened' ELSE 'Back-office closed' END,
            NEW.username, NULL, NULL, NULL);
    END IF;
    IF NEW.password <> OLD.password THEN
        PERFORM configuration_record_change('Password set', NEW.username, NULL, NULL, NULL);
    END IF;
    -- It never falls: a program that has read the row before may write the old one back.
    NEW.access_version := greatest(NEW.access_version, OLD.access_version)
        + (has_other_standing OR OLD.is_staff AND NOT NEW.is_staff)::int;
    IF NEW.access_version > OLD.access_version OR NEW.password <> OLD.password THEN
        PERFORM configuration_end_tokens(NEW.id);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER user_changed BEFORE UPDATE ON configuration_user
    FOR EACH ROW EXECUTE FUNCTION configuration_user_changed();

CREATE FUNCTION configuration_member_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Of a workspace that is being deleted nobody is removed by somebody.
    IF EXISTS (
        SELECT FROM configuration_workspace WHERE id = OLD.workspace_id AND removed_at IS NULL
    ) THEN
        PERFORM configuration_record_change('Person let out', username, OLD.workspace_id, NULL, NULL)
            FROM configuration_user WHERE id = OLD.user_id;
        UPDATE configuration_user SET access_version = access_version + 1 WHERE id = OLD.user_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER member_removed AFTER DELETE ON configuration_membership
    FOR EACH ROW EXECUTE FUNCTION configuration_member_removed();
