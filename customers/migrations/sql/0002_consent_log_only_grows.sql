-- The legal record can only grow. Two exceptions, which the database checks by itself: a forgotten person's
-- entries lose their values, and a hash of them that anybody could make becomes one that needs the
-- installation's key; a removed workspace's entries go.
CREATE FUNCTION customers_consent_log_only_grows() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND NOT EXISTS (
        SELECT FROM configuration_workspace
        WHERE id = OLD.workspace_id AND removed_at IS NULL
    ) THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.value IS NULL OR NEW.value = OLD.value)
        AND to_jsonb(NEW) - '{value,match_key}'::text[]
            = to_jsonb(OLD) - '{value,match_key}'::text[]
        AND EXISTS (
            SELECT FROM customers_customer
            WHERE id = OLD.customer_id AND workspace_id = OLD.workspace_id
                AND deleted = -1
        )
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'entries of the consent log can neither be changed nor deleted'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER consent_log_only_grows
    BEFORE UPDATE OR DELETE ON customers_consentlogentry
    FOR EACH ROW EXECUTE FUNCTION customers_consent_log_only_grows();
