-- Events by node, the client's own id and type, each with the digest of the body that created it.
SELECT event.node_id, event.external_id, event.type, event.body_digest, {{ row_as_json }}
FROM unnest(:nodes::uuid[], :external_ids::text[], :types::text[]) AS given (node, client_id, kind)
JOIN events_event AS event
    ON event.node_id = given.node AND event.external_id = given.client_id AND event.type = given.kind
WHERE event.workspace_id = :workspace_id
