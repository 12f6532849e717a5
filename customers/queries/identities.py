"""The identities of a customer: keys, external ids, sessions, devices, merged customers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from configuration.models import NodeType
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.timestamps import format_timestamp
from customers.domain.paths import value_at
from customers.models import FormerIdentity, MergedCustomer, RecordMerge, Session
from customers.models.customer_row import CustomerRow
from customers.queries.documents import document_of, system_properties
from customers.queries.history import history_of

MOST = 1000  # listed for each kind


def identities_of(workspace: WorkspaceRules, row: CustomerRow) -> dict[str, Any]:
    """Return all identities of a customer, with their origin and time as far as known."""
    customer_id, node = UUID(row.id), workspace.nodes[UUID(row.node_id)]
    document = document_of(row)
    merged = list(
        MergedCustomer.objects.in_force(workspace.id)
        .filter(current_id=customer_id)
        .order_by("customer_id")[:MOST]
    )
    merges = {
        merge.id: merge
        for merge in RecordMerge.objects.in_workspace(workspace.id).filter(
            id__in={each.merge_id for each in merged}
        )
    }
    origins = _Origins(workspace, row)
    return {
        "customerId": row.id,
        "key": [
            {"property": path, "value": value_at(document, path), **origins.of(path)}
            for path in node.matching.identifying
        ],
        "externalIds": _external_ids(workspace.id, row, merges, origins),
        "sessions": [
            {
                "id": session.id,
                "value": session.value,
                "since": created_at(session.id),
                "source": session.registered_by,
            }
            for session in Session.objects.of_customer(workspace.id, customer_id).order_by("-id")[
                :MOST
            ]
        ],
        "devices": value_at(document, "base.contacts.mobileDevices") or [],
        "merged": [_merged(each, merges) for each in merged],
    }


class _Origins:
    """Since when a customer has its values, and from whom, as far as its history is kept."""

    def __init__(self, workspace: WorkspaceRules, row: CustomerRow) -> None:
        self._row = row
        is_entry = workspace.nodes[UUID(row.node_id)].type == NodeType.ENTRY
        history = history_of(workspace, row, None) if is_entry else None
        self._properties = {each.path: each for each in history.properties} if history else {}
        self._is_complete = history is not None and history.is_complete

    def of(self, path: str) -> dict[str, Any]:
        """Return `since` and `source` of the value at a path; null where not known."""
        known = self._properties.get(path)
        if known is None or known.value is None:
            return {"since": None, "source": None}
        if known.changes:
            latest = known.changes[0]
            return {"since": format_timestamp(latest.at), "source": latest.author}
        if self._is_complete:
            registered = system_properties(self._row)["registeredAt"]
            return {"since": registered, "source": self._row.registered_by}
        return {"since": None, "source": None}


def _external_ids(
    workspace_id: UUID, row: CustomerRow, merges: dict[UUID, RecordMerge], origins: _Origins
) -> list[dict[str, Any]]:
    own: Sequence[dict[str, Any]] = (
        []
        if row.external_id is None
        else [{**_external_id(row.external_id, None), **origins.of("externalId")}]
    )
    former = FormerIdentity.objects.in_workspace(workspace_id).filter(
        current_id=row.id, external_id__isnull=False
    )
    others = [
        _external_id(each.external_id or "", merges.get(each.merge_id))
        for each in former.order_by("id")[:MOST]
    ]
    return [*own, *others]


def _external_id(value: str, merge: RecordMerge | None) -> dict[str, Any]:
    return {
        "value": value,
        "mergeId": None if merge is None else merge.id,
        "since": None if merge is None else format_timestamp(merge.merged_at),
        "source": None if merge is None else merge.author,
    }


def _merged(merged: MergedCustomer, merges: dict[UUID, RecordMerge]) -> dict[str, Any]:
    """Return a merged customer: its survivor, the merge, when and by whom."""
    merge = merges[merged.merge_id]
    return {
        "customerId": merged.customer_id,
        "intoId": merged.survivor_id,
        "mergeId": merged.merge_id,
        "mergedAt": format_timestamp(merge.merged_at),
        "mergedBy": merge.author,
    }


def created_at(identifier: UUID) -> str | None:
    """Return the time of an id of version 7; None for others."""
    if identifier.version != 7:
        return None
    return format_timestamp(datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC))
