"""The chain of receipts: each has a hash of its content and of the previous hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol, TypedDict
from uuid import UUID

from contacthub_project.core.timestamps import format_timestamp

# The previous hash of a workspace's first receipt.
BEGINNING = bytes(32)


class Receipt(Protocol):
    """A receipt as it is stored."""

    workspace_id: UUID
    id: UUID
    number: int
    moment: datetime
    cause: str
    scope: str
    user_id: int | None
    source_id: UUID | None
    customers: list[dict[str, str]]
    tables: Mapping[str, int]
    files: Mapping[str, int]
    previous_hash: bytes | memoryview
    hash: bytes | memoryview


class RequestedBy(TypedDict):
    """The person or the source that an erasure was requested by."""

    userId: int | None
    sourceId: str | None


class ReceiptContent(TypedDict):
    """What the hash of a receipt is made of; `tables` and `files` are numbers of erased data."""

    id: str
    workspaceId: str
    number: int
    moment: str
    cause: str
    scope: str
    requestedBy: RequestedBy
    customers: list[dict[str, str]]
    tables: dict[str, int]
    files: dict[str, int]
    previousHash: str


class ReceiptResponse(ReceiptContent):
    """A receipt in the form of responses."""

    hash: str


def receipt_document(receipt: Receipt) -> ReceiptContent:
    """Return the content of a receipt in the form of responses, without its own hash."""
    return {
        "id": str(receipt.id),
        "workspaceId": str(receipt.workspace_id),
        "number": receipt.number,
        "moment": format_timestamp(receipt.moment),
        "cause": receipt.cause,
        "scope": receipt.scope,
        "requestedBy": {
            "userId": receipt.user_id,
            "sourceId": None if receipt.source_id is None else str(receipt.source_id),
        },
        "customers": receipt.customers,
        "tables": dict(receipt.tables),
        "files": dict(receipt.files),
        "previousHash": bytes(receipt.previous_hash).hex(),
    }


def receipt_hash(document: ReceiptContent) -> bytes:
    """Return the SHA-256 of a receipt's content.

    Of its JSON with sorted names, no spaces, in UTF-8.
    """
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


def chain_faults(receipts: Iterable[Receipt]) -> Iterator[tuple[int, str]]:
    """Return numbers of receipts that were changed, or do not follow the previous one, and why.

    `receipts` are all of a workspace, by their numbers.
    """
    expected_number, expected_hash = 1, BEGINNING
    for receipt in receipts:
        if receipt.number != expected_number:
            yield receipt.number, f"follows number {expected_number - 1}: receipts are missing"
        elif bytes(receipt.previous_hash) != expected_hash:
            yield receipt.number, "does not follow the receipt before it"
        if receipt_hash(receipt_document(receipt)) != bytes(receipt.hash):
            yield receipt.number, "does not say what it said when it was written"
        expected_number, expected_hash = receipt.number + 1, bytes(receipt.hash)
