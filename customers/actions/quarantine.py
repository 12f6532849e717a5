"""The quarantine of refused bodies: replayed, forgotten with people, and removed when old."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone

from configuration.models import Workspace
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import ContacthubError, Invalid, NotFound
from contacthub_project.core.merge_patch import merge_patched
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import fetch_all, fetch_one, load
from customers.domain.refusals import RefusedEntity
from customers.models import QuarantinedRequest, RefusalCount
from customers.observers import ForgottenPerson
from customers.queries.quarantine import patterns_of

KEPT = timedelta(days=7)
COUNTS_KEPT = timedelta(days=35)

FORGET = load("customers/sql/forget_quarantined")
# The class of the lock between erasures and writers of examples.
LOCK_CLASS = 0x71756172
SHARE = "SELECT pg_advisory_xact_lock_shared(%s::int, hashtext(%s::text))"
LOCK = "SELECT pg_advisory_xact_lock(%s::int, hashtext(%s::text))"

# Writes a body as if it was sent now, by its author; returns the id of the entity.
Replayer = Callable[[WorkspaceRules, dict[str, Any], Principal], UUID]
_replayers: dict[str, Replayer] = {}


def register_replayer(entity: RefusedEntity, replayer: Replayer) -> None:
    """Register the writer of an entity; called once per process while Django starts."""
    _replayers[entity] = replayer


@dataclass(frozen=True, slots=True)
class Replayed:
    """The result of a replay: the entity, or the reason of the repeated refusal."""

    request: QuarantinedRequest
    entity_id: UUID | None = None
    refusal: ContacthubError | None = None


def replay(
    workspace: WorkspaceRules,
    request_id: UUID,
    *,
    readable: Sequence[UUID] | None,
    patch: Mapping[str, Any] | None,
    dry_run: bool,
    by: Principal,
) -> Replayed:
    """Send a refused body again, as its source would, changed by a JSON merge patch.

    An accepted one is not sent twice: the first result is returned. A dry run is rolled back.
    `readable` are the nodes of which `by` may see requests, None for all. Raises NotFound.
    """
    with transaction.atomic():
        rows = QuarantinedRequest.objects.in_workspace(workspace.id).filter(id=request_id)
        if readable is not None:
            rows = rows.filter(node_id__in=readable)
        request = rows.select_for_update().first()
        if request is None:
            raise NotFound(f"quarantined request not found {request_id}")
        if request.replayed_at is not None:
            return Replayed(request, request.entity_id)
        author = by
        if request.source_id is not None:
            author = replace(by, source_id=request.source_id)
        try:
            with transaction.atomic():
                body = _body_of(request, patch)
                entity_id = _replayers[request.entity](workspace, body, author)
                if dry_run:
                    transaction.set_rollback(True)
        except ContacthubError as refusal:
            return Replayed(request, refusal=refusal)
        if not dry_run:
            request.replayed_at, request.entity_id = timezone.now(), entity_id
            request.save(update_fields=["replayed_at", "entity_id"])
    return Replayed(request, None if dry_run else entity_id)


def _body_of(request: QuarantinedRequest, patch: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the body with the patch; a whole body replaces one that was no JSON."""
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        body = None
    if patch:
        body = merge_patched(body, dict(patch))
    if not isinstance(body, dict):
        raise Invalid.at("", "must be an object", "type")
    return body


def share_quarantine(workspace_id: UUID) -> None:
    """Exclude erasures until the transaction, which writes examples, ends."""
    fetch_one(SHARE, [LOCK_CLASS, workspace_id])


def forget_quarantined(workspace_id: UUID, people: Sequence[ForgottenPerson]) -> int:
    """Remove examples that quote people, within their erasure; return the number."""
    fetch_one(LOCK, [LOCK_CLASS, workspace_id])
    return len(fetch_all(FORGET, patterns_of(workspace_id, people), prepare=False))


def remove_old() -> None:
    """Remove examples older than a week or of workspaces with quarantine off, and old counts."""
    now = timezone.now()
    for workspace_id, keeps in Workspace.objects.present().values_list("id", "quarantine"):
        kept = QuarantinedRequest.objects.in_workspace(workspace_id)
        (kept.filter(refused_at__lt=now - KEPT) if keeps else kept).delete()
        counts = RefusalCount.objects.in_workspace(workspace_id)
        counts.filter(hour__lt=now - COUNTS_KEPT).delete()
