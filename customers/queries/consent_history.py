"""Consents at any past moment, from the consent log: one customer's, and all customers'."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

from configuration.models import Source, User
from contacthub_project.core.timestamps import format_timestamp
from contacthub_project.db.sql import fetch_all, fetch_one, load
from customers.domain.consent_state import consent_tree, leaf_value

AT = load("customers/sql/consents_at")
AUDIENCE = load("customers/sql/consent_audience")
CHANGED_AT = load("customers/sql/consents_changed_at")


class ConsentLine(NamedTuple):
    """The last line about one leaf; `disclaimer` is the version that had been read by then."""

    property: str
    value: str | None
    date: datetime
    type: str
    source_id: UUID | None
    user_id: int | None
    id: int
    customer_id: UUID
    disclaimer: str | None


class Audience(NamedTuple):
    """How many could be contacted, and how many of those who consented could not, and why."""

    reachable: int
    limited: int
    objected: int


class Author(TypedDict):
    """The author of a line: a source or a user, with its name as far as it is still there."""

    sourceId: UUID | None
    sourceName: str | None
    userId: int | None
    userName: str | None


class ConsentLeafResponse(Author):
    """The last line about one leaf, in the form of responses."""

    property: str
    value: Any
    date: datetime
    type: str
    disclaimerVersion: str | None
    customerId: UUID
    id: int


class ConsentsResponse(TypedDict):
    """The consents of a customer at a moment, and the origin of each leaf."""

    customerId: UUID
    at: datetime
    consents: dict[str, Any]
    leaves: list[ConsentLeafResponse]


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the authors of log entries; None for deleted ones."""

    sources: Mapping[UUID, str]
    users: Mapping[int, str]

    @classmethod
    def of(cls, workspace_id: UUID, lines: Iterable[Any]) -> Names:
        """Load the authors' names, by two look-ups at most."""
        sources, users = set(), set()
        for line in lines:
            sources.add(line.source_id)
            users.add(line.user_id)
        return cls(_source_names(workspace_id, sources - {None}), _user_names(users - {None}))

    def author_of(self, line: Any) -> Author:
        """Return the author of a line, in the form of responses."""
        return {
            "sourceId": line.source_id,
            "sourceName": self.sources.get(line.source_id),
            "userId": line.user_id,
            "userName": self.users.get(line.user_id),
        }


def _source_names(workspace_id: UUID, ids: Collection[UUID]) -> dict[UUID, str]:
    if not ids:
        return {}
    sources = Source.objects.in_workspace(workspace_id).filter(id__in=ids)
    return dict(sources.values_list("id", "name"))


def _user_names(ids: Collection[int]) -> dict[int, str]:
    people = User.objects.filter(id__in=ids) if ids else User.objects.none()
    return {person.id: person.get_full_name() or person.username for person in people}


def consents_at(workspace_id: UUID, customers: Collection[UUID], at: datetime) -> list[ConsentLine]:
    """Return the last line about each leaf as of a moment, by path.

    Of several customers, the members of an aggregate one, the last line of any of them counts.
    """
    parameters = {"workspace_id": workspace_id, "customers": [*customers], "at": at}
    return [ConsentLine(*row) for row in fetch_all(AT, parameters, prepare=False)]


def consents_response(
    workspace_id: UUID, customer_id: UUID, lines: Collection[ConsentLine], at: datetime
) -> ConsentsResponse:
    """Return the whole state and the origin of each leaf, in the form of responses."""
    names = Names.of(workspace_id, lines)
    return {
        "customerId": customer_id,
        "at": at,
        "consents": consent_tree({line.property: line.value for line in lines}),
        "leaves": [
            {
                "property": line.property,
                "value": leaf_value(line.property, line.value),
                "date": line.date,
                "type": line.type,
                **names.author_of(line),
                "disclaimerVersion": line.disclaimer,
                "customerId": line.customer_id,
                "id": line.id,
            }
            for line in lines
        ],
    }


def audience(workspace_id: UUID, path: str, at: datetime, node_id: UUID | None) -> Audience:
    """Return how many entry customers could be contacted by a consent as of a moment.

    `path` is that of the consent, such as `consents.marketing.automatic.email`. Without a node
    those of all are counted, each customer once.
    """
    parameters = {"workspace_id": workspace_id, "path": path, "at": at, "node_id": node_id}
    return Audience(*fetch_one(AUDIENCE, parameters, prepare=False))


def consents_changed_at(workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, dict[str, str]]:
    """When each leaf of customers' consents was changed last, by dotted path."""
    moments: dict[UUID, dict[str, str]] = defaultdict(dict)
    parameters = {"workspace_id": workspace_id, "ids": list(ids)}
    for customer_id, path, date in fetch_all(CHANGED_AT, parameters, prepare=False):
        moments[customer_id][path] = format_timestamp(date)
    return moments
