-- The change feed of an aggregate node tells of the events of its members, which it shows as duplicates:
-- of what happens to the events, and of their coming and going with a member.



-- Whoever inserts an event holds its customer, so customers are held here before their events are
-- looked at, and the events against those who change or delete them: each sees what the other did.
CREATE FUNCTION events_note_members(members customers_aggregatemember[], its_operation text)
RETURNS void LANGUAGE plpgsql STRICT AS $$
BEGIN
    PERFORM FROM customers_customer
    WHERE (workspace_id, id) IN (SELECT workspace_id, entry_id FROM unnest(members))
    ORDER BY id FOR UPDATE;
    PERFORM FROM events_event
    WHERE (workspace_id, customer_id) IN (SELECT workspace_id, entry_id FROM unnest(members))
    ORDER BY id FOR SHARE;
    INSERT INTO customers_change
        (workspace_id, node_id, entity, entity_id, operation, changed_at, is_duplicate)
    SELECT event.workspace_id, node.id, 'EVENT', event.id, its_operation, clock_timestamp(), TRUE
    FROM unnest(members) AS member
    JOIN events_event AS event
        ON event.workspace_id = member.workspace_id AND event.customer_id = member.entry_id
    JOIN configuration_node AS node
        ON node.workspace_id = event.workspace_id AND node.id = member.aggregate_node_id
        AND node.removed_at IS NULL
    WHERE member.aggregate_id IS NOT NULL
    ORDER BY event.date, event.id;

END $$;




CREATE FUNCTION events_came() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM came AS event
    CROSS JOIN LATERAL (
        SELECT aggregate_node_id, aggregate_id FROM customers_aggregatemember
        WHERE workspace_id = event.workspace_id AND entry_id = event.customer_id OFFSET 0
    ) AS member) THEN RETURN NULL; END IF;
    INSERT INTO customers_change
        (workspace_id, node_id, entity, entity_id, operation, changed_at, is_duplicate)
    SELECT event.workspace_id, node.id, 'EVENT', event.id, 'CREATE', event.registered_at, TRUE
    FROM came AS event
    CROSS JOIN LATERAL (
        SELECT aggregate_node_id, aggregate_id FROM customers_aggregatemember
        WHERE workspace_id = event.workspace_id AND entry_id = event.customer_id OFFSET 0
    ) AS member
    JOIN configuration_node AS node
        ON node.workspace_id = event.workspace_id AND node.id = member.aggregate_node_id
        AND node.removed_at IS NULL
    WHERE member.aggregate_id IS NOT NULL
    ORDER BY event.date, event.id;

    RETURN NULL;
END $$;

CREATE FUNCTION events_went() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM went AS event
    CROSS JOIN LATERAL (
        SELECT aggregate_node_id, aggregate_id FROM customers_aggregatemember
        WHERE workspace_id = event.workspace_id AND entry_id = event.customer_id OFFSET 0
    ) AS member) THEN RETURN NULL; END IF;
    INSERT INTO customers_change
        (workspace_id, node_id, entity, entity_id, operation, changed_at, is_duplicate)
    SELECT event.workspace_id, node.id, 'EVENT', event.id, 'DELETE', clock_timestamp(), TRUE
    FROM went AS event
    CROSS JOIN LATERAL (
        SELECT aggregate_node_id, aggregate_id FROM customers_aggregatemember
        WHERE workspace_id = event.workspace_id AND entry_id = event.customer_id OFFSET 0
    ) AS member
    JOIN configuration_node AS node
        ON node.workspace_id = event.workspace_id AND node.id = member.aggregate_node_id
        AND node.removed_at IS NULL
    WHERE member.aggregate_id IS NOT NULL
    ORDER BY event.date, event.id;

    RETURN NULL;
END $$;

CREATE FUNCTION events_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO customers_change
        (workspace_id, node_id, entity, entity_id, operation, changed_at, is_duplicate)
    SELECT event.workspace_id, node.id, 'EVENT', event.id, 'DELETE', clock_timestamp(), TRUE
    FROM (
        SELECT * FROM went WHERE customer_id IS NOT NULL
          AND ((id, customer_id) IN (SELECT id, customer_id FROM came)) IS NOT TRUE
    ) AS event
    CROSS JOIN LATERAL (
        SELECT aggregate_node_id, aggregate_id FROM customers_aggregatemember
        WHERE workspace_id = event.workspace_id AND entry_id = event.customer_id OFFSET 0
    ) AS member
    JOIN configuration_node AS node
        ON node.workspace_id = event.workspace_id AND node.id = member.aggregate_node_id
        AND node.removed_at IS NULL
    WHERE member.aggregate_id IS NOT NULL AND NOT ((event.id, member.aggregate_node_id) IN (
        SELECT event.id, member.aggregate_node_id FROM came AS event
    CROSS JOIN LATERAL (
        SELECT aggregate_node_id, aggregate_id FROM customers_aggregatemember
        WHERE workspace_id = event.workspace_id AND entry_id = event.customer_id OFFSET 0
    ) AS member
        WHERE member.aggregate_id IS NOT NULL
    )) IS TRUE
    ORDER BY event.date, event.id;

    IF NOT EXISTS (SELECT FROM came AS event
    CROSS JOIN LATERAL (
        SELECT aggregate_node_id, aggregate_id FROM customers_aggregatemember
        WHERE workspace_id = event.workspace_id AND entry_id = event.customer_id OFFSET 0
    ) AS member) THEN RETURN NULL; END IF;
    INSERT INTO customers_change
        (workspace_id, node_id, entity, entity_id, operation, changed_at, is_duplicate)
    SELECT event.workspace_id, node.id, 'EVENT', event.id, CASE WHEN ((event.id, member.aggregate_node_id) IN (
        SELECT event.id, member.aggregate_node_id FROM went AS event
    CROSS JOIN LATERAL (
        SELECT aggregate_node_id, aggregate_id FROM customers_aggregatemember
        WHERE workspace_id = event.workspace_id AND entry_id = event.customer_id OFFSET 0
    ) AS member
        WHERE member.aggregate_id IS NOT NULL
    )) IS TRUE THEN 'UPDATE' ELSE 'CREATE' END, event.updated_at, TRUE
    FROM came AS event
    CROSS JOIN LATERAL (
        SELECT aggregate_node_id, aggregate_id FROM customers_aggregatemember
        WHERE workspace_id = event.workspace_id AND entry_id = event.customer_id OFFSET 0
    ) AS member
    JOIN configuration_node AS node
        ON node.workspace_id = event.workspace_id AND node.id = member.aggregate_node_id
        AND node.removed_at IS NULL
    WHERE member.aggregate_id IS NOT NULL
    ORDER BY event.date, event.id;

    RETURN NULL;
END $$;

CREATE FUNCTION events_members_went() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM events_note_members(array_agg(went::customers_aggregatemember), 'DELETE')
    FROM went WHERE aggregate_id IS NOT NULL;
    RETURN NULL;
END $$;

CREATE FUNCTION events_members_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM events_note_members(array_agg(came::customers_aggregatemember), 'CREATE')
    FROM came WHERE aggregate_id IS NOT NULL
      AND (id IN (SELECT id FROM went WHERE aggregate_id IS NULL)) IS TRUE;
    PERFORM events_note_members(array_agg(came::customers_aggregatemember), 'UPDATE')
    FROM came WHERE aggregate_id IS NOT NULL
      AND (id IN (SELECT id FROM went WHERE aggregate_id IS NOT NULL)) IS TRUE
      AND ((id, aggregate_id) IN (SELECT id, aggregate_id FROM went)) IS NOT TRUE;
    PERFORM events_note_members(array_agg(went::customers_aggregatemember), 'DELETE')
    FROM went WHERE aggregate_id IS NOT NULL
      AND (id IN (SELECT id FROM came WHERE aggregate_id IS NULL)) IS TRUE;
    RETURN NULL;
END $$;

CREATE TRIGGER events_duplicates_come AFTER INSERT ON events_event REFERENCING NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION events_came();

CREATE TRIGGER events_duplicates_go AFTER DELETE ON events_event REFERENCING OLD TABLE AS went
FOR EACH STATEMENT EXECUTE FUNCTION events_went();

CREATE TRIGGER events_duplicates_change AFTER UPDATE ON events_event
REFERENCING OLD TABLE AS went NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION events_changed();

CREATE TRIGGER events_duplicates_go AFTER DELETE ON customers_aggregatemember
REFERENCING OLD TABLE AS went
FOR EACH STATEMENT EXECUTE FUNCTION events_members_went();

CREATE TRIGGER events_duplicates_change AFTER UPDATE ON customers_aggregatemember
REFERENCING OLD TABLE AS went NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION events_members_changed();
