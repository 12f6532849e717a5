"""Receipts of erasures in the form of responses."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from customers.domain.receipts import ReceiptResponse, chain_faults, receipt_document
from customers.models import ErasureReceipt

AT_ONCE = 1000


def receipt_response(receipt: ErasureReceipt) -> ReceiptResponse:
    """Return the receipt in the form of the API and the printed page."""
    return {**receipt_document(receipt), "hash": bytes(receipt.hash).hex()}


def receipt_of(workspace_id: UUID, receipt_id: UUID) -> ErasureReceipt | None:
    """One receipt of a workspace."""
    return ErasureReceipt.objects.in_workspace(workspace_id).filter(id=receipt_id).first()


def verify_chain(workspace_id: UUID) -> Iterator[tuple[int, str]]:
    """Return the numbers of a workspace's receipts that were tampered with, and the evidence."""
    receipts = ErasureReceipt.objects.in_workspace(workspace_id).order_by("number")
    return chain_faults(receipts.iterator(chunk_size=AT_ONCE))
