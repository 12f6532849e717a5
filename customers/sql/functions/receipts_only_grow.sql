-- The chain of receipts can only grow, but for that of a workspace that is no more.
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
