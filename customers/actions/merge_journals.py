"""Journals of merges: what a merge writes so that it can be undone, and the names it leaves.

They are removed with forgotten people, and when they expire.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from configuration.models import Workspace
from configuration.queries.rules import NodeRules
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import fetch_value, load
from customers.domain.identities import EXTERNAL_ID, SESSION_ID
from customers.domain.matching import all_keys, match_key
from customers.domain.merge import Document
from customers.domain.paths import value_at
from customers.domain.record_merge import Origin
from customers.models import (
    ConsentLogEntry,
    FormerIdentity,
    MergedCustomer,
    RecordMerge,
    Session,
    ValueChange,
)
from customers.models.customer_row import CustomerRow
from customers.models.passwords import with_encrypted_password
from customers.observers import Holdings, Unmerging, all_observers
from customers.queries.documents import document_of

TASK = "customers.tasks.remove_old_merge_journals"
BATCH = 100
ERASE_VALUES = load("customers/sql/erase_consent_values")


def sessions_of(workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return the customer of each session of some customers, by its id."""
    sessions = Session.objects.filter(workspace_id=workspace_id, customer_id__in=list(ids))
    return dict(sessions.order_by("id").values_list("id", "customer_id"))


def record_merge(
    workspace_id: UUID,
    merge_id: UUID,
    before: CustomerRow,
    after: CustomerRow,
    origins: Sequence[Origin],
    *,
    by: Principal,
) -> RecordMerge:
    """Record a merge, with the survivor before and after it and the origins of its values."""
    return RecordMerge.objects.create(
        id=merge_id,
        workspace_id=workspace_id,
        node_id=UUID(after.node_id),
        survivor_id=UUID(after.id),
        merged_at=timezone.now(),
        author=by.author,
        counts={},
        before=before,
        after=after,
        origins=[asdict(each) for each in origins],
    )


def write_journal(
    node: NodeRules,
    merge: RecordMerge,
    rows: Mapping[str, CustomerRow],
    sessions: Mapping[UUID, UUID],
) -> dict[str, int]:
    """Write the journal of a merge, and update references to the customers; return the numbers.

    `rows` are the customers before the merge by id, the survivor among them; `sessions` the owners
    of the sessions that move, by session id.
    """
    workspace_id, survivor_id = merge.workspace_id, merge.survivor_id
    ids = [UUID(key) for key in rows if UUID(key) != survivor_id]
    for known in (
        MergedCustomer.objects.in_force(workspace_id),
        FormerIdentity.objects.in_workspace(workspace_id),
    ):
        known.filter(current_id__in=ids).update(current_id=survivor_id)
    MergedCustomer.objects.bulk_create(
        MergedCustomer(
            workspace_id=workspace_id,
            merge_id=merge.id,
            customer_id=each,
            node_id=node.id,
            survivor_id=survivor_id,
            current_id=survivor_id,
            row=rows[str(each)],
            match_key=match_key(node.matching, document_of(rows[str(each)])),
            sessions=[str(key) for key, owner in sessions.items() if owner == each],
        )
        for each in ids
    )
    FormerIdentity.objects.bulk_create(_former_identities(node, merge, rows))
    subscriptions = sum(
        len(value_at(document_of(rows[str(each)]), "base.subscriptions") or ()) for each in ids
    )
    counts = {"sessions": len(sessions), "subscriptions": subscriptions}
    for observer in all_observers():
        counts |= observer.customers_merged(
            workspace_id=workspace_id,
            merge_id=merge.id,
            survivor_id=survivor_id,
            customer_ids=ids,
        )
    RecordMerge.objects.in_workspace(workspace_id).filter(id=merge.id).update(counts=counts)
    return counts


def _former_identities(
    node: NodeRules, merge: RecordMerge, rows: Mapping[str, CustomerRow]
) -> list[FormerIdentity]:
    """Return the identities of the customers that the survivor does not have itself."""
    assert isinstance(merge.after, CustomerRow)
    survivor = document_of(merge.after)
    kept = set(all_keys(node.matching, survivor).values())
    common = {
        "workspace_id": merge.workspace_id,
        "node_id": node.id,
        "merge_id": merge.id,
        "survivor_id": merge.survivor_id,
        "current_id": merge.survivor_id,
    }
    keys = {
        key for row in rows.values() for key in all_keys(node.matching, document_of(row)).values()
    }
    external_ids = {row.external_id for row in rows.values()}
    return [
        *(FormerIdentity(match_key=key, **common) for key in sorted(keys - kept)),
        *(
            FormerIdentity(external_id=each, **common)
            for each in sorted(external_ids - {survivor["externalId"], None}, key=str)
        ),
    ]


def stored_document(merged: MergedCustomer) -> Document:
    """Return the document of a customer as it was when merged."""
    assert merged.row is not None, "the journal is there"
    return document_of(CustomerRow(*merged.row))


def stored_row(merged: MergedCustomer, document: Document, key: bytes | None) -> dict[str, Any]:
    """Return the row by which `bring_back_merged.sql` restores a customer."""
    return {
        "id": merged.customer_id,
        "match_key": None if key is None else f"\\x{key.hex()}",
        "external_id": document["externalId"],
        "enabled": document["enabled"],
        "extra": document["extra"],
        "base": with_encrypted_password(document["base"]),
        "consents": document["consents"],
        "extended": document["extended"],
        "tags": document["tags"],
        "sessions": merged.sessions,
    }


def unmerging_of(
    node: NodeRules, merge: RecordMerge, merged: Sequence[MergedCustomer]
) -> Unmerging:
    """Return what identifies the customers of a merge that is to be undone."""
    values = {
        session.id: session.value
        for session in Session.objects.filter(
            workspace_id=merge.workspace_id,
            id__in=[key for each in merged for key in each.sessions],
        )
    }
    identities: dict[UUID, list[tuple[str, str]]] = {}
    for each in merged:
        sessions = [values[UUID(key)] for key in each.sessions if UUID(key) in values]
        found = [(SESSION_ID, value) for value in sessions]
        external_id = stored_document(each)["externalId"]
        if external_id is not None:
            found.append((EXTERNAL_ID, external_id))
        identities[each.customer_id] = found
    return Unmerging(
        merge_id=merge.id,
        merged_at=merge.merged_at,
        survivor_id=merge.survivor_id,
        identities=identities,
        ignores_case=node.matching.ignores_case_of("externalId"),
    )


def restore_earlier_merges(survivor_id: UUID, merged: Sequence[MergedCustomer]) -> None:
    """Give back to each restored customer those that were merged into it before."""
    for each in merged:
        pending, found = [each.customer_id], set()
        while pending:
            earlier = MergedCustomer.objects.in_force(each.workspace_id).filter(
                survivor_id__in=pending
            )
            pending = [
                customer_id
                for customer_id in earlier.values_list("customer_id", flat=True)
                if customer_id not in found
            ]
            found.update(pending)
        for known in (
            MergedCustomer.objects.in_force(each.workspace_id),
            FormerIdentity.objects.in_workspace(each.workspace_id),
        ):
            known.filter(survivor_id__in=[each.customer_id, *found], current_id=survivor_id).update(
                current_id=each.customer_id
            )


def forget_merges(
    workspace_id: UUID, ids: Sequence[UUID], merged: Sequence[MergedCustomer]
) -> Holdings:
    """Remove all data about merges of forgotten people; return the numbers.

    `ids` are all customers of the people, `merged` those that were merged into others of them. The
    consent log keeps the decisions of each id, without the words of disclaimers.
    """
    removed = Holdings()
    if merged:
        removed.tables[ConsentLogEntry._meta.db_table] = fetch_value(
            ERASE_VALUES,
            {
                "workspace_id": workspace_id,
                "ids": [each.customer_id for each in merged],
                "keys": [],
                "keyed_hashes": [],
            },
            prepare=False,
        )
        # Also of those whose journal has been removed.
        replaced = ValueChange.objects.in_workspace(workspace_id).filter(
            customer_id__in=[each.customer_id for each in merged]
        )
        removed.tables[ValueChange._meta.db_table] = replaced.delete()[0]
    merges = RecordMerge.objects.in_workspace(workspace_id).filter(
        Q(survivor_id__in=list(ids)) | Q(id__in=[each.merge_id for each in merged]),
        undone_at=None,
    )
    merge_ids = list(merges.values_list("id", flat=True))
    if not merge_ids:
        return removed
    for observer in all_observers():
        removed.add(observer.journals_removed(workspace_id=workspace_id, merge_ids=merge_ids))
    for table in (FormerIdentity, MergedCustomer):
        kept = table.objects.in_workspace(workspace_id).filter(merge_id__in=merge_ids)
        removed.tables[table._meta.db_table] = kept.delete()[0]
    removed.tables[RecordMerge._meta.db_table] = merges.filter(id__in=merge_ids).delete()[0]
    return removed


def remove_old_journals(*, seconds: float) -> bool:
    """Remove journals older than MERGE_JOURNAL_DAYS; return True when none is left.

    Merges stay recorded, and old ids lead to the survivor; they can no longer be undone.
    """
    deadline = time.monotonic() + seconds
    over = timezone.now() - timedelta(days=settings.MERGE_JOURNAL_DAYS)
    for workspace_id in Workspace.objects.present().values_list("id", flat=True):
        while _remove_batch(workspace_id, over) == BATCH:
            if time.monotonic() > deadline:
                return False
    return True


@transaction.atomic
def _remove_batch(workspace_id: UUID, over: object) -> int:
    merges = RecordMerge.objects.in_workspace(workspace_id)
    old = merges.filter(before__isnull=False, merged_at__lte=over).order_by("merged_at")
    ids = list(old.select_for_update(skip_locked=True).values_list("id", flat=True)[:BATCH])
    if ids:
        for observer in all_observers():
            observer.journals_removed(workspace_id=workspace_id, merge_ids=ids)
        merges.filter(id__in=ids).update(before=None, after=None, origins=None)
        merged = MergedCustomer.objects.in_workspace(workspace_id).filter(merge_id__in=ids)
        merged.update(row=None, match_key=None, sessions=[])
    return len(ids)
