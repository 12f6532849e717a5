"""Deletes, restores, exports and attaches events with their customers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

import orjson

from configuration.queries.rules import WorkspaceRules
from contacthub_project.db.sql import fetch_all, fetch_one, load
from customers.observers import (
    CustomerObserver,
    ExportedList,
    ForgottenPerson,
    Holdings,
    Unmerging,
)
from events.actions import merging
from events.actions.attachment import attach_waiting_events
from events.actions.forgetting import forget_events, forget_events_of, held_events
from events.models.event import ROW_AS_JSON
from events.queries.aggregates import members_in_order
from events.queries.documents import (
    EventResponse,
    duplicate_of,
    event_moments,
    event_response,
)

HIDE = load("events/sql/hide_events_of_customer")
RESTORE = load("events/sql/restore_events_of_customer")
PAGE_OF_CUSTOMER = load("events/sql/events_of_customer", row_as_json=ROW_AS_JSON)

PAGE = 1000
BEYOND = {"date": "infinity", "id": UUID(int=2**128 - 1)}


class EventObserver(CustomerObserver):
    """Registered with `customers.observers`."""

    def customer_deleted(self, *, workspace_id: UUID, customer_id: UUID) -> None:
        """Move the customer's events to `DeletedEvent`."""
        fetch_one(HIDE, {"workspace_id": workspace_id, "customer_id": customer_id})

    def customer_restored(self, *, workspace_id: UUID, customer_id: UUID) -> None:
        """Move the customer's events back."""
        fetch_one(RESTORE, {"workspace_id": workspace_id, "customer_id": customer_id})

    def customers_forgotten(
        self, *, workspace_id: UUID, people: Sequence[ForgottenPerson], on_request: bool
    ) -> Holdings:
        """Delete the people's events, and those that wait for one of them."""
        return forget_events(workspace_id, people)

    def aggregates_ended(self, *, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
        """Delete the events of aggregate customers' own."""
        forget_events_of(workspace_id, customer_ids)

    def holdings(self, *, workspace_id: UUID, person: ForgottenPerson) -> Holdings:
        """Count what `customers_forgotten` would delete."""
        return held_events(workspace_id, person)

    def identities_appeared(
        self, *, workspace_id: UUID, node_id: UUID, identities: Sequence[tuple[UUID, str, str]]
    ) -> None:
        """Attach waiting events to the customers, except refused ones."""
        attach_waiting_events(workspace_id, node_id, identities)

    def movable(self, *, workspace_id: UUID, customer_ids: Sequence[UUID]) -> dict[str, int]:
        """How many events the customers have."""
        return {merging.EVENTS: merging.count_events(workspace_id, customer_ids)}

    def customers_merged(
        self,
        *,
        workspace_id: UUID,
        merge_id: UUID,
        survivor_id: UUID,
        customer_ids: Sequence[UUID],
    ) -> dict[str, int]:
        """Make the customers' events the survivor's."""
        moved = merging.move_events(
            workspace_id, merge_id=merge_id, survivor_id=survivor_id, customer_ids=customer_ids
        )
        return {merging.EVENTS: moved}

    def returnable(self, *, workspace_id: UUID, unmerging: Unmerging) -> dict[str, dict[UUID, int]]:
        """Count the events that each customer would get back."""
        return merging.count_returned(workspace_id, unmerging)

    def merge_undone(self, *, workspace_id: UUID, unmerging: Unmerging) -> None:
        """Give the customers their events back."""
        merging.return_events(workspace_id, unmerging)

    def journals_removed(self, *, workspace_id: UUID, merge_ids: Sequence[UUID]) -> Holdings:
        """Forget whose events were before merges."""
        return merging.forget_merges(workspace_id, merge_ids)

    def exported(self, *, workspace: WorkspaceRules, customer_id: UUID) -> Iterator[ExportedList]:
        """Return the customer's events, the latest first.

        Of an aggregate customer, its members' too.
        """
        moments = event_moments(workspace, stored=True)
        yield ExportedList("events", _all_events(workspace.id, customer_id), moments)


def _all_events(workspace_id: UUID, customer_id: UUID) -> Iterator[EventResponse]:
    """Yield a customer's own events, then its members' as the aggregate customer has them."""
    yield from _events(workspace_id, customer_id)
    for node_id, member in members_in_order(workspace_id, customer_id):
        for event in _events(workspace_id, member):
            yield duplicate_of(event, customer_id=customer_id, node_id=node_id)


def _events(workspace_id: UUID, customer_id: UUID) -> Iterator[EventResponse]:
    parameters = {"workspace_id": workspace_id, "customer_id": customer_id, "size": PAGE, **BEYOND}
    page = fetch_all(PAGE_OF_CUSTOMER, parameters)
    while page:
        for text, _, _ in page:
            yield event_response(orjson.loads(text))
        _, date, event_id = page[-1]
        parameters |= {"date": date, "id": event_id}
        page = fetch_all(PAGE_OF_CUSTOMER, parameters)
