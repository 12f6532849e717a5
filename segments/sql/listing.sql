{# Common table expressions that put the rows of `customer` on the list of a static segment, and have those
   who are new on it evaluated; `listed` holds these. Who was listed by a merge stays when that is undone. #}
{% macro listing() %}
chosen AS (
    UPDATE segments_listedcustomer AS listed SET merge_id = NULL
    WHERE listed.workspace_id = :workspace_id AND listed.segment_id = :segment_id
      AND listed.customer_id IN (SELECT id FROM customer) AND listed.merge_id IS NOT NULL
),
listed AS (
    INSERT INTO segments_listedcustomer (workspace_id, segment_id, customer_id)
    SELECT :workspace_id, :segment_id, customer.id FROM customer
    ON CONFLICT DO NOTHING
    RETURNING customer_id
),
pending AS (
    INSERT INTO segments_pendingcustomer (workspace_id, customer_id)
    SELECT :workspace_id, listed.customer_id FROM listed
)
{%- endmacro %}
