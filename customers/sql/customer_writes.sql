{% from "customers/sql/change_feed.sql" import note_changes %}

{# The node, if it is open and recognises customers as the writer thinks. KEY SHARE makes whoever changes that
   (holding FOR UPDATE) wait for us. #}
{% macro open_node() %}
SELECT id, workspace_id, is_aggregated,
       date_trunc('milliseconds', clock_timestamp()) AS now
FROM configuration_node
WHERE id = :node_id AND workspace_id = :workspace_id
  AND removed_at IS NULL AND state = 'ACTIVE'
  AND unique_properties = :unique_properties AND case_sensitive = :case_sensitive
FOR KEY SHARE
{%- endmacro %}

{# CTEs after `customer`, one row: its change, pending merge and lines in the consent log. `node` is its
   node. #}
{% macro recorded(operation) %}
change AS (
    {{ note_changes("customer", "CUSTOMER", operation) }}
),
pending AS (
    INSERT INTO customers_pendingmerge (workspace_id, entry_id)
    SELECT customer.workspace_id, customer.id FROM customer JOIN node ON node.is_aggregated
),
consent AS (
    INSERT INTO customers_consentlogentry
        (workspace_id, node_id, customer_id, match_key, date, type, property, value,
         source_id, user_id)
    SELECT workspace_id, node_id, id, match_key, updated_at,
           changed.type, changed.property, changed.value, :source_id::uuid, :user_id::bigint
    FROM customer, unnest(:consent_types::text[], :consent_properties::text[],
                          :consent_values::text[]) AS changed (type, property, value)
)
{%- endmacro %}

{# Pending merges of the aggregated among the rows of `customer`. #}
{% macro note_pending_merges() %}
INSERT INTO customers_pendingmerge (workspace_id, entry_id)
SELECT customer.workspace_id, customer.id
FROM customer JOIN configuration_node AS node ON node.id = customer.node_id
WHERE node.is_aggregated
{%- endmacro %}

{# Documents given as arrays, one for each column. #}
{% macro given_documents() %}
SELECT * FROM unnest(
    :ids::uuid[], :keys::bytea[], :external_ids::text[], :enableds::boolean[],
    :extras::text[], :bases::text[], :consents::text[], :extendeds::text[], :tags::text[]
) AS given (id, match_key, external_id, enabled, extra, base, consents, extended, tags)
{%- endmacro %}

{# The columns of a document, set from `given`. #}
{% macro set_document() %}
external_id = given.external_id, enabled = given.enabled, extra = given.extra,
        base = given.base::jsonb, consents = given.consents::jsonb,
        extended = given.extended::jsonb, tags = given.tags::jsonb
{%- endmacro %}

{# CTEs after `customer`, many rows: their changes, pending merges and lines in the consent log. #}
{% macro many_recorded(operation) %}
change AS (
    {{ note_changes("customer ORDER BY id", "CUSTOMER", operation) }}
),
pending AS (
    {{ note_pending_merges() }}
),
consent AS (
    INSERT INTO customers_consentlogentry
        (workspace_id, node_id, customer_id, match_key, date, type, property, value,
         source_id, user_id)
    SELECT customer.workspace_id, customer.node_id, customer.id, customer.match_key,
           customer.updated_at, changed.type, changed.property, changed.value,
           :source_id::uuid, :user_id::bigint
    FROM unnest(:changed_ids::uuid[], :changed_types::text[],
                :changed_properties::text[], :changed_values::text[])
         WITH ORDINALITY AS changed (id, type, property, value, number)
    JOIN customer ON customer.id = changed.id
    ORDER BY changed.number
)
{%- endmacro %}
