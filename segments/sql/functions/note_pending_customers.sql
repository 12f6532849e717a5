-- Of events that are deleted or moved the feed does not tell whose they were, nor of members that an
-- aggregate customer gets or loses. Only customers of workspaces with segments are noted.
CREATE FUNCTION segments_note_deleted_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO segments_pendingcustomer (workspace_id, customer_id)
    SELECT DISTINCT old_rows.workspace_id, old_rows.customer_id
    FROM old_rows JOIN segments_feedcursor AS feed_cursor ON feed_cursor.workspace_id = old_rows.workspace_id
    WHERE old_rows.customer_id IS NOT NULL;
    RETURN NULL;
END $$;
CREATE FUNCTION segments_note_deleted_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO segments_pendingcustomer (workspace_id, customer_id)
    SELECT DISTINCT old_rows.workspace_id, old_rows.aggregate_id
    FROM old_rows JOIN segments_feedcursor AS feed_cursor ON feed_cursor.workspace_id = old_rows.workspace_id
    WHERE old_rows.aggregate_id IS NOT NULL;
    RETURN NULL;
END $$;
CREATE FUNCTION segments_note_moved_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO segments_pendingcustomer (workspace_id, customer_id)
    SELECT DISTINCT moved.workspace_id, moved.aggregate_id
    FROM (
        SELECT old_rows.workspace_id, old_rows.aggregate_id FROM old_rows
        JOIN new_rows ON new_rows.workspace_id = old_rows.workspace_id AND new_rows.id = old_rows.id
        WHERE new_rows.aggregate_id IS DISTINCT FROM old_rows.aggregate_id
        UNION ALL
        SELECT new_rows.workspace_id, new_rows.aggregate_id FROM new_rows
        JOIN old_rows ON old_rows.workspace_id = new_rows.workspace_id AND old_rows.id = new_rows.id
        WHERE new_rows.aggregate_id IS DISTINCT FROM old_rows.aggregate_id
    ) AS moved
    JOIN segments_feedcursor AS feed_cursor ON feed_cursor.workspace_id = moved.workspace_id
    WHERE moved.aggregate_id IS NOT NULL;
    RETURN NULL;
END $$;
CREATE FUNCTION segments_note_moved_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO segments_pendingcustomer (workspace_id, customer_id)
    SELECT feed_cursor.workspace_id, OLD.customer_id
    FROM segments_feedcursor AS feed_cursor WHERE feed_cursor.workspace_id = OLD.workspace_id;
    RETURN NULL;
END $$;
CREATE TRIGGER segments_note_moved_event AFTER UPDATE ON events_event FOR EACH ROW
WHEN (OLD.customer_id IS NOT NULL AND OLD.customer_id IS DISTINCT FROM NEW.customer_id)
EXECUTE FUNCTION segments_note_moved_event();
CREATE TRIGGER segments_note_deleted_events AFTER DELETE ON events_event REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION segments_note_deleted_events();
CREATE TRIGGER segments_note_deleted_members AFTER DELETE ON customers_aggregatemember
REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION segments_note_deleted_members();
CREATE TRIGGER segments_note_moved_members AFTER UPDATE ON customers_aggregatemember
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION segments_note_moved_members();
