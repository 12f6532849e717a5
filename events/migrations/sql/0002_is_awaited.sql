-- Whether events wait for a client's id to become a customer's; replaces
-- customers/sql/functions/is_awaited.sql. Case is not regarded, so the answer may be yes for events that
-- the node's policy leaves waiting.
CREATE OR REPLACE FUNCTION customers_is_awaited(of_workspace uuid, of_node uuid, client_id text)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM events_event AS event
        WHERE event.node_id = of_node AND event.workspace_id = of_workspace
          AND event.customer_id IS NULL AND event.bring_back_type = 'EXTERNAL_ID'
          AND customers_folded(event.bring_back_value) = customers_folded(client_id)
    );
END $$;
