"""Deletes events of forgotten people, including those that wait for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from configuration.models import IdempotencyKey
from contacthub_project.db.sql import fetch_one, load
from customers.domain.identities import EXTERNAL_ID, SESSION_ID
from customers.observers import ForgottenPerson, Holdings
from events.models import DeletedEvent, Event

FORGET = load("events/sql/forget_events")
COUNT = load("events/sql/count_events_of_people")


def forget_events(workspace_id: UUID, people: Sequence[ForgottenPerson]) -> Holdings:
    """Delete events of people, and the records of requests that sent them; return the numbers."""
    counts = fetch_one(FORGET, _parameters(workspace_id, people), prepare=False)
    return _holdings(*counts)


def held_events(workspace_id: UUID, person: ForgottenPerson) -> Holdings:
    """Return the numbers that `forget_events` would delete of a person."""
    parameters = _parameters(workspace_id, [person])
    own, waiting, hidden, records = fetch_one(COUNT, parameters, prepare=False)
    return _holdings(own + waiting, hidden, records)


def forget_events_of(workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """Delete the events of customers."""
    parameters = _parameters(workspace_id, []) | {"customers": list(customer_ids)}
    fetch_one(FORGET, parameters, prepare=False)


def _holdings(events: int, hidden: int, records: int) -> Holdings:
    holdings = Holdings()
    holdings.tables[Event._meta.db_table] = events
    holdings.tables[DeletedEvent._meta.db_table] = hidden
    holdings.tables[IdempotencyKey._meta.db_table] = records
    return holdings


def _parameters(workspace_id: UUID, people: Sequence[ForgottenPerson]) -> dict[str, Any]:
    waited_for = [
        (person.node_id, kind, value, kind == EXTERNAL_ID and ignores_case)
        for person in people
        for ignores_case in [person.policy.ignores_case_of("externalId")]
        for kind, value in _identities(person)
    ]
    nodes, kinds, values, ignoring_case = zip(*waited_for, strict=True) if waited_for else [()] * 4
    return {
        "workspace_id": workspace_id,
        "customers": [person.customer_id for person in people],
        "nodes": list(nodes),
        "kinds": list(kinds),
        "values": list(values),
        "ignoring_case": list(ignoring_case),
    }


def _identities(person: ForgottenPerson) -> list[tuple[str, str]]:
    """Return the kinds and values by which events wait for a person."""
    found = [(SESSION_ID, value) for value in person.sessions]
    external_id = person.document.get("externalId")
    return found if external_id is None else [*found, (EXTERNAL_ID, external_id)]
