"""What events owe customers: to go with them, to be told with them, to find them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import orjson

from configuration.queries.rules import WorkspaceRules
from contacthub_project.db.sql import fetch_all, fetch_one, load
from customers.observers import CustomerObserver, ExportedList, ForgottenPerson
from events.actions.attachment import attach_waiting_events
from events.models.event import ROW_AS_JSON
from events.queries.aggregates import members_in_order
from events.queries.documents import duplicate_of, event_moments, event_response

DELETE_OF_CUSTOMER = load("events/sql/delete_events_of_customer")

PAGE = 1000
# The latest first, as the index has them; a comparison of rows is a range of it.
PAGE_OF_CUSTOMER = f"""
SELECT {ROW_AS_JSON}, date, id FROM events_event
WHERE customer_id = %(customer_id)s AND workspace_id = %(workspace_id)s
  AND (date, id) < (%(date)s::timestamptz, %(id)s::uuid)
ORDER BY date DESC, id DESC LIMIT {PAGE}
"""
BEYOND = {"date": "infinity", "id": UUID(int=2**128 - 1)}


class EventObserver(CustomerObserver):
    """Registered with `customers.observers`."""

    def customer_deleted(self, *, workspace_id: UUID, customer_id: UUID) -> None:
        """Delete the customer's events."""
        fetch_one(DELETE_OF_CUSTOMER, {"workspace_id": workspace_id, "customer_id": customer_id})

    def customer_forgotten(
        self, *, workspace_id: UUID, customer_id: UUID, person: ForgottenPerson | None = None
    ) -> None:
        """Delete the person's events."""
        self.customer_deleted(workspace_id=workspace_id, customer_id=customer_id)

    def identities_appeared(
        self, *, workspace_id: UUID, node_id: UUID, identities: Sequence[tuple[UUID, str, str]]
    ) -> None:
        """Give the customers the events that waited for them, but those that are refused."""
        attach_waiting_events(workspace_id, node_id, identities)

    def exported(self, *, workspace: WorkspaceRules, customer_id: UUID) -> Iterator[ExportedList]:
        """The customer's events, the latest first; of an aggregate customer, its members' too."""
        moments = event_moments(workspace, stored=True)
        yield ExportedList("events", _all_events(workspace.id, customer_id), moments)


def _all_events(workspace_id: UUID, customer_id: UUID) -> Iterator[dict[str, Any]]:
    """A customer's own events, then those of its members one by one, as the aggregate has them."""
    yield from _events(workspace_id, customer_id)
    for node_id, member in members_in_order(workspace_id, customer_id):
        for event in _events(workspace_id, member):
            yield duplicate_of(event, customer_id=customer_id, node_id=node_id)


def _events(workspace_id: UUID, customer_id: UUID) -> Iterator[dict[str, Any]]:
    parameters = {"workspace_id": workspace_id, "customer_id": customer_id, **BEYOND}
    page = fetch_all(PAGE_OF_CUSTOMER, parameters)
    while page:
        for text, _, _ in page:
            yield event_response(orjson.loads(text))
        _, date, event_id = page[-1]
        parameters |= {"date": date, "id": event_id}
        page = fetch_all(PAGE_OF_CUSTOMER, parameters)
