"""Recognises events that were sent before, by the client's external id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import Conflict, ContacthubError, FieldError
from contacthub_project.core.identifiers import as_uuid
from events.domain.deduplication import digest_of, is_the_same
from events.domain.draft import Draft, bring_back_of, content_of
from events.models import Event
from events.models.event import EventRow, ExternalKey
from events.queries.documents import event_response
from events.queries.owners import Owner


@dataclass(frozen=True, slots=True)
class Accepted:
    """A stored event; `is_new` is false if it was sent before."""

    id: UUID
    is_new: bool


# The result for an event: stored, or the reason of its refusal.
Outcome = Accepted | ContacthubError


@dataclass(frozen=True, slots=True)
class PlacedEvent:
    """An event with its node, and its customer if that is known."""

    draft: Draft
    node: NodeRules
    owner: Owner | None

    @property
    def key(self) -> ExternalKey | None:
        """The key of its external id; None without one."""
        content = self.draft.content
        if content.external_id is None:
            return None
        return (self.node.id, content.external_id, content.type)


def external_id_conflict(event_id: str | None) -> Conflict:
    """Return the conflict with another event of the node and type that has the external id."""
    fault = FieldError("/externalId", "is the external id of another event", "conflict")
    data = None if event_id is None else {"event": {"id": event_id}}
    return Conflict(f"Conflict with existing event {event_id}", errors=[fault], data=data)


def outcomes_of_repeated(
    workspace: WorkspaceRules, placed: Mapping[int, PlacedEvent]
) -> dict[int, Outcome]:
    """Return results of events whose external id exists: accepted, or a conflict.

    They are not checked again: stored events stay, whatever has changed since.
    """
    keys = {index: each.key for index, each in placed.items() if each.key is not None}
    if not keys:
        return {}
    known = Event.objects.with_external_ids(workspace.id, list(set(keys.values())))
    return {
        index: _compared(workspace, placed[index], *known[key])
        for index, key in keys.items()
        if key in known
    }


def _compared(
    workspace: WorkspaceRules, placed: PlacedEvent, row: EventRow, digest: bytes | None
) -> Outcome:
    """Return the stored event, or a conflict when its body was another one."""
    event, draft = event_response(row), placed.draft
    if digest is None or digest != digest_of(draft):
        is_same = is_the_same(
            draft,
            owner_id=None if placed.owner is None else placed.owner.id,
            kept=content_of(event, workspace.event_schema, draft.content.date),
            kept_owner_id=as_uuid(event["customerId"] or ""),
            kept_bring_back=bring_back_of(event["bringBackProperties"]),
        )
        if not is_same:
            return external_id_conflict(event["id"])
    return Accepted(UUID(event["id"]), is_new=False)
