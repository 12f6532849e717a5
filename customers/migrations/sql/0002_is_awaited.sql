-- Whether anything waits for a client's id to become a customer's. Nothing does in this app: an app
-- whose rows wait replaces the function (events/sql/functions/is_awaited.sql). `customers_write` asks it
-- while it holds the id.
CREATE OR REPLACE FUNCTION customers_is_awaited(of_workspace uuid, of_node uuid, client_id text)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN FALSE;
END $$;
