{# The survivor's events that are whose they name: kept of a merge, or brought since by what one of the
   customers was known by. Each with the customer and whether it came after the merge. #}
{% macro returned_events() %}
SELECT DISTINCT ON (found.id) found.id, found.customer_id, found.came_later FROM (
    SELECT event.id, kept.customer_id, kept.came_later
    FROM events_mergedevent AS kept
    JOIN events_event AS event ON event.workspace_id = :workspace_id AND event.id = kept.event_id
    WHERE kept.workspace_id = :workspace_id AND kept.merge_id = :merge_id
      AND event.customer_id = :survivor_id
    UNION ALL
    SELECT event.id, known.customer_id, TRUE
    FROM unnest(:customers::uuid[], :kinds::text[], :values::text[])
        AS known (customer_id, kind, value)
    JOIN events_event AS event
        ON event.workspace_id = :workspace_id AND event.customer_id = :survivor_id
        AND event.registered_at >= :merged_at::timestamptz AND event.bring_back_type = known.kind
        AND customers_folded(event.bring_back_value) = customers_folded(known.value)
        AND (
            event.bring_back_value = known.value
            OR (event.bring_back_type = 'EXTERNAL_ID' AND :ignores_case::boolean)
        )
) AS found
ORDER BY found.id, found.came_later
{% endmacro %}
