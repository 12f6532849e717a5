{% from "events/sql/waiting_events.sql" import appeared, is_waiting %}
-- Customers and types of the events that wait for them.
SELECT customer.id, event.type, customer.enabled, customer.consents::text
FROM {{ appeared() }}
JOIN events_event AS event ON {{ is_waiting() }}
JOIN customers_customer AS customer
    ON customer.id = appeared.customer_id AND customer.workspace_id = :workspace_id
GROUP BY customer.workspace_id, customer.id, event.type
