-- Replaces two functions of note_pending_customers.sql. The types of deleted and moved events are noted,
-- so that their customers are evaluated only for segments that look at events of these types.
CREATE OR REPLACE FUNCTION segments_note_deleted_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO segments_pendingcustomer (workspace_id, customer_id, event_types)
    SELECT old_rows.workspace_id, old_rows.customer_id, array_agg(DISTINCT old_rows.type)
    FROM old_rows JOIN segments_feedcursor AS feed_cursor ON feed_cursor.workspace_id = old_rows.workspace_id
    WHERE old_rows.customer_id IS NOT NULL
    GROUP BY old_rows.workspace_id, old_rows.customer_id;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION segments_note_moved_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO segments_pendingcustomer (workspace_id, customer_id, event_types)
    SELECT feed_cursor.workspace_id, OLD.customer_id, ARRAY[OLD.type]
    FROM segments_feedcursor AS feed_cursor WHERE feed_cursor.workspace_id = OLD.workspace_id;
    RETURN NULL;
END $$;
