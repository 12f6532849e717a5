"""A write of one customer, as a value, and its result. `customers.actions.writes` executes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings

from configuration.queries.rules import NodeRules
from contacthub_project.core.identifiers import new_id
from contacthub_project.core.principal import Principal
from customers.domain.changed_paths import changed_paths
from customers.domain.consents import consent_changes
from customers.domain.history import replaced_values
from customers.domain.matching import further_keys, keys_as_json, match_key
from customers.domain.merge import EMPTY, Document
from customers.models import ChangeCause, DeletedState
from customers.models.customer_row import CustomerRow
from customers.models.passwords import with_encrypted_password
from customers.queries.documents import document_of

# Merges of a body, or of a row of a file, into a known customer.
JOURNALLED = frozenset({ChangeCause.POST, ChangeCause.IMPORT})


class Outcome(StrEnum):
    """The result of a write, explained in the SQL function."""

    WRITTEN = "WRITTEN"
    MERGE = "MERGE"
    CONFLICT = "CONFLICT"
    STALE = "STALE"
    NOT_OPEN = "NOT_OPEN"
    AWAITED = "AWAITED"


class WriteResult(NamedTuple):
    """The result of a write, and the customer that conflicts with it, if there is one."""

    outcome: Outcome
    int_id: int | None = None
    version: int | None = None
    written_at: datetime | None = None
    known: CustomerRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerWrite:
    """A write of a customer.

    `guard` is the state of the node that the writer expects, None for any; `before` is the stored
    document, None for a new customer, as `document` is for a deletion. A change is for `version`
    only, None for any. With `appears` the customer gets an external id that it has not locked yet.
    `keys` are those of the node's further rules, None when they stay; with `may_share` others may
    have the same.
    """

    id: UUID
    node_id: UUID
    guard: NodeRules | None
    before: Document | None
    document: Document | None
    match_key: bytes | None
    version: int | None = None
    appears: str | None = None
    registered_at: str | None = None
    registered_by: str | None = None
    updated_by: str | None = None
    source_id: UUID | None = None
    user_id: int | None = None
    brings_back: Sequence[bytes] = ()
    cause: ChangeCause = ChangeCause.PATCH
    merge_id: UUID | None = None
    keys: Mapping[int, bytes] | None = None
    may_share: bool = False

    @classmethod
    def of_new(
        cls,
        node: NodeRules,
        document: Document,
        by: Principal,
        *,
        customer_id: UUID | None = None,
        key: bytes | None = None,
        appears: str | None = None,
    ) -> CustomerWrite:
        """Return the write that creates a customer from a document.

        `customer_id` and `key` (the matching key of the document) are created unless given.
        """
        return cls(
            id=customer_id or new_id(),
            node_id=node.id,
            guard=node,
            before=None,
            document=document,
            match_key=key or match_key(node.matching, document),
            keys=further_keys(node.matching, document) if node.matching.has_several_rules else None,
            appears=appears,
            registered_by=by.author,
            updated_by=by.author,
            source_id=by.source_id,
            user_id=by.user_id,
        )

    @classmethod
    def of_change(
        cls,
        node: NodeRules,
        row: CustomerRow,
        after: Document,
        by: Principal,
        *,
        cause: ChangeCause = ChangeCause.PATCH,
    ) -> CustomerWrite:
        """Return the write that changes the customer of `row`."""
        external_id = after["externalId"]
        before = document_of(row)
        return cls(
            id=UUID(row.id),
            node_id=node.id,
            guard=node,
            before=before,
            document=after,
            match_key=match_key(node.matching, after),
            keys=_changed_keys(node, before, after),
            version=row.version,
            appears=None if external_id == row.external_id else external_id,
            updated_by=by.author,
            source_id=by.source_id,
            user_id=by.user_id,
            cause=cause,
        )

    @classmethod
    def of_deletion(
        cls, node: NodeRules, customer_id: UUID, version: int | None, by: Principal
    ) -> CustomerWrite:
        """Return the write that deletes a customer and releases its key.

        Its data stays until forgotten.
        """
        return cls(
            id=customer_id,
            node_id=node.id,
            guard=node,
            before=EMPTY,
            document=None,
            cause=ChangeCause.DELETE,
            match_key=None,
            keys={} if node.matching.has_several_rules else None,
            version=version,
            updated_by=by.author,
        )

    @property
    def is_new(self) -> bool:
        return self.before is None

    def changed_row(self, row: CustomerRow, result: WriteResult) -> CustomerRow:
        """Return the customer after the write."""
        assert result.version is not None
        assert result.written_at is not None
        return self.expected_row(row)._replace(version=result.version, updated_at=result.written_at)

    def expected_row(self, row: CustomerRow) -> CustomerRow:
        """Return the customer after the write, except the time."""
        assert self.document is not None
        return row._replace(
            external_id=self.document["externalId"],
            base=with_encrypted_password(self.document["base"]),
            consents=self.document["consents"],
            extended=self.document["extended"],
            extra=self.document["extra"],
            tags=self.document["tags"],
            enabled=self.document["enabled"],
            version=row.version + 1,
            updated_by=self.updated_by,
        )

    def as_json(self, guards: Mapping[int, int], round_number: int) -> dict[str, Any]:
        """Return the write's row of the set; `guards` are the numbers of the set's guards."""
        row: dict[str, Any] = {
            "id": self.id,
            "round": round_number,
            "guard": None if self.guard is None else guards[id(self.guard)],
            "node_id": self.node_id,
            "version": self.version,
            "match_key": None if self.match_key is None else f"\\x{self.match_key.hex()}",
            "keys": None if self.keys is None else keys_as_json(self.keys),
            "may_share": self.may_share,
            "deleted": DeletedState.LIVE.value,
            "appears": self.appears,
            "registered_at": self.registered_at,
            "registered_by": self.registered_by,
            "updated_by": self.updated_by,
            "source_id": self.source_id,
            "user_id": self.user_id,
        }
        document = self.document
        if self._is_recorded:
            row |= {"cause": self.cause, "merge_id": self.merge_id, "history": {}}
        if document is None:
            return row | {"deleted": DeletedState.DELETED.value}
        row["external_id"] = document["externalId"]
        for name in ("enabled", "extra", "consents", "extended", "tags"):
            row[name] = document[name]  # type: ignore[literal-required]
        row["base"] = with_encrypted_password(document["base"])
        if self.before is not None and self.version is not None:
            row["changed_paths"] = changed_paths(self.before, document)
        if self.guard is not None:
            changes = consent_changes((self.before or EMPTY)["consents"], document["consents"])
            if changes:
                row["log"] = changes
            if "history" in row:
                row["history"], after = replaced_values(self.before or EMPTY, document)
                if self.cause in JOURNALLED:
                    row["history_after"] = after
        return row

    @property
    def _is_recorded(self) -> bool:
        """Whether replaced values are kept: of merged bodies and rows always, for their undoing."""
        if self.guard is None or self.before is None:
            return False
        is_journalled = self.cause in JOURNALLED and settings.MERGE_JOURNAL_DAYS > 0
        return is_journalled or self.guard.keeps_history


def _changed_keys(node: NodeRules, before: Document, after: Document) -> Mapping[int, bytes] | None:
    """Return the keys of further rules after a change; None when they stay."""
    if not node.matching.has_several_rules:
        return None
    keys = further_keys(node.matching, after)
    return None if keys == further_keys(node.matching, before) else keys
