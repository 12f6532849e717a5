-- When customers were deleted and restored. Only those of whom the consent log tells something: of others
-- nothing is asked.
CREATE FUNCTION customers_note_deletion() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO customers_customerabsence (workspace_id, customer_id, since)
    SELECT OLD.workspace_id, OLD.id, NEW.updated_at
    WHERE EXISTS (
        SELECT FROM customers_consentlogentry
        WHERE workspace_id = OLD.workspace_id AND customer_id = OLD.id
    )
    ON CONFLICT (workspace_id, customer_id, since) DO UPDATE SET until = NULL;
    RETURN NULL;
END
$$;
CREATE FUNCTION customers_note_removal() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO customers_customerabsence (workspace_id, customer_id, since)
    SELECT OLD.workspace_id, OLD.id, date_trunc('milliseconds', clock_timestamp())
    WHERE EXISTS (
        SELECT FROM customers_consentlogentry
        WHERE workspace_id = OLD.workspace_id AND customer_id = OLD.id
    )
    ON CONFLICT (workspace_id, customer_id, since) DO UPDATE SET until = NULL;
    RETURN NULL;
END
$$;
CREATE FUNCTION customers_note_return() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE customers_customerabsence SET until = greatest(NEW.updated_at, since)
    WHERE workspace_id = NEW.workspace_id AND customer_id = NEW.id AND until IS NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_deletion AFTER UPDATE OF deleted ON customers_customer
    FOR EACH ROW WHEN (OLD.deleted = 0 AND NEW.deleted <> 0)
    EXECUTE FUNCTION customers_note_deletion();
CREATE TRIGGER note_return AFTER UPDATE OF deleted ON customers_customer
    FOR EACH ROW WHEN (OLD.deleted <> 0 AND NEW.deleted = 0)
    EXECUTE FUNCTION customers_note_return();
CREATE TRIGGER note_removal AFTER DELETE ON customers_customer
    FOR EACH ROW WHEN (OLD.deleted = 0)
    EXECUTE FUNCTION customers_note_removal();
