{# What is noted of an event, of a customer and of a deletion: shared by the triggers that note changes and by
   the recount that proves them. #}

{# Who did it: a known customer, or whom it will be brought back by; and the persons of aggregate nodes. #}
{% macro places_of_event() %}
SELECT event.node_id, coalesce(
    event.customer_id, analytics_stranger(event.bring_back_type, event.bring_back_value))
UNION ALL
SELECT member.aggregate_node_id, analytics_person(member.match_key)
FROM customers_aggregatemember AS member
WHERE member.workspace_id = event.workspace_id AND member.entry_id = event.customer_id
{% endmacro %}

{# A WEB event's session. #}
{% macro session_of_event() %}
CASE WHEN event.context = 'WEB' AND event.bring_back_type = 'SESSION_ID'
     THEN md5(event.bring_back_value)::uuid END
{%- endmacro %}

{# What an order amounts to. OFFSET 0 is a fence: without it sums are reckoned of every event, and then
   thrown away. #}
{% macro bought() %}
SELECT coalesce(event.properties ->> 'type', 'sale') AS order_type,
       analytics_spent(event.properties, event.properties #> '{amount,total}') AS total,
       analytics_spent(event.properties, coalesce(
           event.properties #> '{amount,revenue}', event.properties #> '{amount,total}'
       )) AS revenue,
       analytics_items(event.properties) AS items
WHERE event.type = 'completedOrder' AND event.context IN ('ECOMMERCE', 'RETAIL')
OFFSET 0
{% endmacro %}
