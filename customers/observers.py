"""The interface of apps that keep data about customers.

Customers are deleted, forgotten, exported and recognised in `customers`, which knows nothing of
events or bulk jobs. Each app that keeps such data registers a `CustomerObserver` in its
`AppConfig.ready`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from configuration.domain.matching_policy import MatchingPolicy
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.date_format import Positions


@dataclass(frozen=True, slots=True)
class ExportedList:
    """A list of a person's export: `elements` come lazily, `moments` is where theirs stand."""

    name: str
    elements: Iterator[Any]
    moments: Positions = None


@dataclass(frozen=True, slots=True)
class ForgottenPerson:
    """Who somebody was: the node, how it recognises people, and the profile."""

    node_id: UUID
    policy: MatchingPolicy
    document: Mapping[str, Any]


class CustomerObserver:
    """Keeps something about customers. By default each method does nothing.

    Methods run in the transaction of the change that they are told of.
    """

    def customer_deleted(self, *, workspace_id: UUID, customer_id: UUID) -> None:
        """Remove what belongs to a customer that is no more."""

    def customer_forgotten(
        self, *, workspace_id: UUID, customer_id: UUID, person: ForgottenPerson | None = None
    ) -> None:
        """Remove every trace of a person; whatever remains must not name them.

        `person` is who they were, None for an aggregate customer: the person is its members.
        """

    def identities_appeared(
        self, *, workspace_id: UUID, node_id: UUID, identities: Sequence[tuple[UUID, str, str]]
    ) -> None:
        """Sessions or clients' ids have become customers'.

        Each is a customer's id, a kind (`customers.domain.identities`) and a value. The caller
        holds them (`customers.actions.identity_locks`), so nothing that waits for them can slip
        past.
        """

    def exported(self, *, workspace: WorkspaceRules, customer_id: UUID) -> Iterator[ExportedList]:
        """What the person's export says of them."""
        return iter(())


_observers: list[CustomerObserver] = []


def register(observer: CustomerObserver) -> None:
    """Make `observer` known; called once per process while Django starts."""
    _observers.append(observer)


def all_observers() -> tuple[CustomerObserver, ...]:
    """Every observer."""
    return tuple(_observers)
