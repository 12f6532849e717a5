"""Removes deleted and forgotten customers from segments, and exports memberships."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from configuration.queries.rules import WorkspaceRules
from customers.observers import (
    CustomerObserver,
    ExportedList,
    ForgottenPerson,
    Holdings,
    Unmerging,
)
from customers.queries.quotations import naming, remove_names
from segments.actions.forgetting import forget_customers
from segments.actions.merging import forget_origins, give_back_lists, inherit_lists
from segments.models import DueEvaluation, ListedCustomer, Member, MembershipChange, Segment

PAGE = 1000
SEGMENTS = Segment._meta.db_table
NAMING = ("name", "description", "query")


class SegmentObserver(CustomerObserver):
    """Registered with `customers.observers`.

    Deleted customers leave their segments, and restored ones come back, by the change feed.
    """

    def customers_forgotten(
        self, *, workspace_id: UUID, people: Sequence[ForgottenPerson], on_request: bool
    ) -> Holdings:
        """Remove the people from all segments and lists, and who came and went."""
        removed = forget_customers(workspace_id, [person.customer_id for person in people])
        segments = Segment.objects.in_workspace(workspace_id)
        removed[SEGMENTS] = remove_names(segments, NAMING, people)
        return Holdings(tables=removed)

    def aggregates_ended(self, *, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
        """Remove ended aggregate customers."""
        forget_customers(workspace_id, customer_ids)

    def holdings(self, *, workspace_id: UUID, person: ForgottenPerson) -> Holdings:
        """Count what `customers_forgotten` would remove."""
        tables = Counter[str]()
        for model in (Member, ListedCustomer, DueEvaluation, MembershipChange):
            rows: Any = model.objects.in_workspace(workspace_id)  # type: ignore[attr-defined]
            tables[model._meta.db_table] = rows.filter(customer_id=person.customer_id).count()
        segments = naming(Segment.objects.in_workspace(workspace_id), NAMING, [person])
        tables[SEGMENTS] = segments.count()
        return Holdings(tables=tables)

    def customers_merged(
        self,
        *,
        workspace_id: UUID,
        merge_id: UUID,
        survivor_id: UUID,
        customer_ids: Sequence[UUID],
    ) -> dict[str, int]:
        """Put the survivor on the lists of the others."""
        inherit_lists(
            workspace_id, merge_id=merge_id, survivor_id=survivor_id, customer_ids=customer_ids
        )
        return {}

    def merge_undone(self, *, workspace_id: UUID, unmerging: Unmerging) -> None:
        """Take the survivor from lists that it is on by the merge only."""
        give_back_lists(
            workspace_id, merge_id=unmerging.merge_id, survivor_id=unmerging.survivor_id
        )

    def journals_removed(self, *, workspace_id: UUID, merge_ids: Sequence[UUID]) -> Holdings:
        """Forget the lists that merged customers were on."""
        forget_origins(workspace_id, merge_ids)
        return Holdings()

    def exported(self, *, workspace: WorkspaceRules, customer_id: UUID) -> Iterator[ExportedList]:
        """Yield the segments that the person is in."""
        yield ExportedList("segments", _segments(workspace.id, customer_id), {"since": True})


def _segments(workspace_id: UUID, customer_id: UUID) -> Iterator[dict[str, Any]]:
    members = Member.objects.in_workspace(workspace_id).filter(customer_id=customer_id)
    found = dict(members.values_list("segment_id", "since"))
    names = Segment.objects.present(workspace_id).filter(id__in=found).order_by("name", "id")
    for segment_id, name in names.values_list("id", "name"):
        yield {"id": segment_id, "name": name, "since": found[segment_id]}
