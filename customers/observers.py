"""The interface of apps that keep data of customers.

Customers are deleted, forgotten, exported and matched in `customers`, which does not import events
or bulk jobs. Each app that keeps such data registers a `CustomerObserver` in its `AppConfig.ready`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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
    """Who somebody is or was: the node, how it recognises people, the profile, the sessions.

    `deleted_at` is when the customer was deleted, None for one who is there.
    """

    customer_id: UUID
    node_id: UUID
    policy: MatchingPolicy
    document: Mapping[str, Any]
    sessions: Sequence[str] = ()
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much is kept of a person: rows by their tables, and files by their kinds."""

    tables: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)

    def add(self, other: Holdings) -> None:
        """Count what `other` holds, too."""
        self.tables.update(other.tables)
        self.files.update(other.files)


@dataclass(frozen=True, slots=True)
class Unmerging:
    """A merge that is undone: `identities` are by what each customer was known (kind and value).

    `ignores_case` is whether the node takes external ids that differ in case for one.
    """

    merge_id: UUID
    merged_at: datetime
    survivor_id: UUID
    identities: Mapping[UUID, Sequence[tuple[str, str]]]
    ignores_case: bool


class CustomerObserver:
    """Keeps data of customers. By default each method does nothing.

    Methods run in the transaction of the change.
    """

    def customer_deleted(self, *, workspace_id: UUID, customer_id: UUID) -> None:
        """Hide what belongs to a deleted customer, until it is restored or erased."""

    def customer_restored(self, *, workspace_id: UUID, customer_id: UUID) -> None:
        """Bring back what `customer_deleted` has hidden."""

    def customers_forgotten(
        self, *, workspace_id: UUID, people: Sequence[ForgottenPerson], on_request: bool
    ) -> Holdings:
        """Remove every trace of people, whatever remains must not name them; how much that was.

        `on_request`: they, or the law, want them forgotten, so what is under way must not bring
        them back; otherwise they were deleted long ago.
        """
        return Holdings()

    def aggregates_ended(self, *, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
        """Remove what names aggregate customers: copies that go with their last member."""

    def holdings(self, *, workspace_id: UUID, person: ForgottenPerson) -> Holdings:
        """What `customers_forgotten` would remove of a person."""
        return Holdings()

    def identities_appeared(
        self, *, workspace_id: UUID, node_id: UUID, identities: Sequence[tuple[UUID, str, str]]
    ) -> None:
        """Sessions or external ids have become customers'.

        Each is a customer's id, a kind (`customers.domain.identities`) and a value. The caller has
        locked them (`customers.actions.identity_locks`), so no waiting event is missed.
        """

    def movable(self, *, workspace_id: UUID, customer_ids: Sequence[UUID]) -> dict[str, int]:
        """How much `customers_merged` would move of customers, by kind."""
        return {}

    def customers_merged(
        self,
        *,
        workspace_id: UUID,
        merge_id: UUID,
        survivor_id: UUID,
        customer_ids: Sequence[UUID],
    ) -> dict[str, int]:
        """Make what belongs to customers the survivor's, and keep whose it was; how much it is."""
        return {}

    def returnable(self, *, workspace_id: UUID, unmerging: Unmerging) -> dict[str, dict[UUID, int]]:
        """How much `merge_undone` would give back to each customer, by kind.

        The kinds that begin with `later` came after the merge.
        """
        return {}

    def merge_undone(self, *, workspace_id: UUID, unmerging: Unmerging) -> None:
        """Give back what was moved, and what has come since for one of the customers."""

    def journals_removed(self, *, workspace_id: UUID, merge_ids: Sequence[UUID]) -> Holdings:
        """Forget whose things were before merges; how much that was."""
        return Holdings()

    def exported(self, *, workspace: WorkspaceRules, customer_id: UUID) -> Iterator[ExportedList]:
        """What the person's export says of them."""
        return iter(())


_observers: list[CustomerObserver] = []


def register(observer: CustomerObserver) -> None:
    """Register `observer`; called once per process while Django starts."""
    _observers.append(observer)


def all_observers() -> tuple[CustomerObserver, ...]:
    """Return every observer."""
    return tuple(_observers)
