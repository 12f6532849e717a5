"""Writes receipts of erasures: the next link of a workspace's chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contacthub_project.core.identifiers import new_id
from contacthub_project.core.principal import Principal
from customers.domain.receipts import BEGINNING, receipt_document, receipt_hash
from customers.models import ErasureCause, ErasureReceipt, ErasureScope
from customers.models.customer_row import CustomerRow
from customers.observers import Holdings


@dataclass(frozen=True, slots=True)
class Erasure:
    """The cause and the scope of an erasure; `by` is None if nobody requested it."""

    cause: ErasureCause
    scope: ErasureScope = ErasureScope.NODE
    by: Principal | None = None


def write_receipt(
    workspace_id: UUID, erasure: Erasure, rows: Sequence[CustomerRow], erased: Holdings
) -> ErasureReceipt:
    """Record an erasure, within its transaction.

    The caller has locked the workspace's aggregates since the transaction began
    (`customers.actions.aggregation.lock_aggregates`): erasures of a workspace are serialised, so
    the last receipt read here is the last.
    """
    last = ErasureReceipt.objects.latest_of(workspace_id)
    now = datetime.now(UTC)
    by = erasure.by
    receipt = ErasureReceipt(
        workspace_id=workspace_id,
        id=new_id(),
        number=1 if last is None else last.number + 1,
        moment=now.replace(microsecond=now.microsecond // 1000 * 1000),
        cause=erasure.cause,
        scope=erasure.scope,
        user_id=None if by is None else by.user_id,
        source_id=None if by is None else by.source_id,
        customers=[{"id": row.id, "nodeId": row.node_id} for row in rows],
        customer_ids=[UUID(row.id) for row in rows],
        tables=_counted(erased.tables),
        files=_counted(erased.files),
        previous_hash=BEGINNING if last is None else bytes(last.hash),
    )
    receipt.hash = receipt_hash(receipt_document(receipt))
    receipt.save(force_insert=True)
    return receipt


def _counted(counts: Any) -> dict[str, int]:
    """What there was any of, by name."""
    return {name: counts[name] for name in sorted(counts) if counts[name]}
