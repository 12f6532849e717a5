"""Suppressed values of forgotten people, cached so that a write costs no query.

A process caches a workspace's hashes of one version (`Workspace.suppressions_version`) and reads
them again when the version changes.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from cachetools import LRUCache

from configuration.models import Suppression
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import Conflict, FieldError
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.db.encryption import FORGOTTEN_PEOPLE, keyed_hashes
from contacthub_project.runtime.blocking import refuse_event_loop
from customers.domain.suppression import (
    Decision,
    Identity,
    decision_on,
    has_fresh_consent,
    identities,
)
from customers.models import Customer, SuppressedKind, SuppressedValue
from customers.queries.documents import document_of
from customers.queries.recognition import recognised

MOST_WORKSPACES = 200
NONE: Mapping[bytes, datetime] = {}

_lock = threading.Lock()
_remembered: LRUCache[UUID, tuple[int, Mapping[bytes, datetime]]] = LRUCache(MOST_WORKSPACES)


class PersonForgotten(Conflict):
    """The values of a write are those of a forgotten person."""

    def __init__(self) -> None:
        message = "The values belong to somebody who was forgotten"
        super().__init__(message, errors=[FieldError("", message, "forgotten")])


def returning(
    workspace: WorkspaceRules,
    node: NodeRules,
    after: Mapping[str, Any],
    *,
    before: Mapping[str, Any] | None = None,
    given: Mapping[str, Any],
    is_import: bool = False,
) -> list[bytes]:
    """Return the hashes of a forgotten person's values in a write, to be recorded.

    `before` is the changed customer, None for a POST: a known customer has returned before. Raises
    PersonForgotten where the workspace refuses the write, and in the event loop
    SynchronousOnlyOperation when it would have to query the database.
    """
    suppressed = suppressed_values(workspace)
    if not suppressed:
        return []
    found = _hashes_of(node, after) & suppressed.keys()
    if not found:
        return []
    known = before if before is not None else _known(workspace, node, after)
    found -= _hashes_of(node, known) if known is not None else set()
    if not found:
        return []
    has_consent = has_fresh_consent(given, max(suppressed[each] for each in found))
    mode = workspace.suppression
    if decision_on(mode, is_import=is_import, has_consent=has_consent) is Decision.REFUSED:
        raise PersonForgotten
    return sorted(found)


def forgotten_external_ids(
    workspace: WorkspaceRules, node: NodeRules, external_ids: Collection[str]
) -> set[str]:
    """Return those of the ids that were a forgotten customer's, and are unused in the node now."""
    suppressed = suppressed_values(workspace)
    if not suppressed:
        return set()
    found = {
        each
        for each in external_ids
        if not suppressed.keys().isdisjoint(_hashes_of(node, {"externalId": each}))
    }
    if not found:
        return set()
    customers = Customer.objects.in_node(workspace.id, node.id)
    canonical = {canonical_identifier(each): each for each in found}
    known = customers.filter(external_id__in=list(canonical))
    return found - {canonical[each] for each in known.values_list("external_id", flat=True) if each}


def suppressed_values(workspace: WorkspaceRules) -> Mapping[bytes, datetime]:
    """Return the hashes in force, and since when; none where suppression is off."""
    version = workspace.suppressions_version
    if version == 0 or workspace.suppression == Suppression.OFF:
        return NONE
    with _lock:
        known = _remembered.get(workspace.id)
    if known is not None and known[0] >= version:
        return known[1]
    refuse_event_loop()
    rows = SuppressedValue.objects.in_force(workspace.id).values_list("hash", "created_at")
    hashes = {bytes(each): since for each, since in rows.iterator(chunk_size=10_000)}
    with _lock:
        _remembered[workspace.id] = (version, hashes)
    return hashes


def hashes_of_identity(identity: Identity) -> list[bytes]:
    """Return the HMACs of an identity, under each key: the first is stored."""
    kind, node_id, text = identity
    return keyed_hashes(f"{kind}\n{node_id or ''}\n{text}".encode(), purpose=FORGOTTEN_PEOPLE)


def hashes_of_value(workspace: WorkspaceRules, kind: SuppressedKind, value: str) -> list[bytes]:
    """Return the HMACs of an e-mail address or an external id, by the policy of each node."""
    is_email = kind == SuppressedKind.EMAIL
    document = {"base": {"contacts": {"email": value}}} if is_email else {"externalId": value}
    found = {
        each
        for node in workspace.nodes.values()
        for identity in identities(node.id, node.matching, document, everywhere=True)
        for each in hashes_of_identity(identity)
    }
    return sorted(found)


def key_id() -> str:
    """Return a name for the key of new hashes, which reveals nothing of it."""
    probe = keyed_hashes(b"key id", purpose=FORGOTTEN_PEOPLE)[0]
    return hashlib.sha256(probe).hexdigest()[:16]


def _hashes_of(node: NodeRules, document: Mapping[str, Any]) -> set[bytes]:
    return {
        each
        for identity in identities(node.id, node.matching, document, everywhere=True)
        for each in hashes_of_identity(identity)
    }


def _known(
    workspace: WorkspaceRules, node: NodeRules, document: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """The customer whom the node recognises in a document."""
    refuse_event_loop()
    customer_id = recognised(workspace.id, node, document)
    row = customer_id and Customer.objects.known_row(workspace.id, customer_id)
    return document_of(row) if row else None
