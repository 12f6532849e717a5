"""Changes and deletes existing events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import IntegrityError, transaction

from configuration.domain.placeholders import placeholder_faults
from configuration.models import NodeState
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.array_forms import as_sent
from contacthub_project.core.equivalence import is_equivalent
from contacthub_project.core.errors import (
    FieldError,
    Forbidden,
    Invalid,
    Locked,
    NotFound,
    Stale,
    TooLarge,
)
from contacthub_project.core.merge_patch import merge_patched
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import savepoint
from events.actions.ingestion import INVALID_EVENT, GivenEvent
from events.actions.products import note_products
from events.actions.repeated_events import external_id_conflict
from events.actions.writes import EventChange, Outcome, write_events
from events.domain.draft import (
    Content,
    coerced_parts,
    content_of,
    missing_faults,
    read_content,
    with_empty_parts,
)
from events.models import Event
from events.queries.documents import EventResponse, event_response

# The reference calls the last two generated and ignored, the others immutable.
IMMUTABLE = (
    "id", "customerId", "nodeId", "bringBackProperties", "type", "registeredAt", "origin",
)  # fmt: skip
IGNORED = ("updatedAt", "version", "prev", "next")
CHANGEABLE = ("externalId", "properties", "context", "contextInfo", "date", "tracking")

# Returns the content after the change, from the current content and the body.
Change = Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]


def replace_event(
    workspace: WorkspaceRules,
    event_id: UUID,
    given: GivenEvent,
    *,
    by: Principal,
    expected_version: int | None = None,
) -> None:
    """Replace the content of an event (PUT); an absent date or external id stays.

    Absent `properties` and `contextInfo` are empty, as in a POST. Raises Invalid with every fault,
    NotFound, Stale, Locked, TooLarge, and Conflict for the external id of another event.
    """
    faults = missing_faults(given.body)
    if faults:
        raise Invalid(INVALID_EVENT, errors=faults)
    _changed(workspace, event_id, given, _replaced, (), expected_version, by)


def patch_event(
    workspace: WorkspaceRules,
    event_id: UUID,
    given: GivenEvent,
    *,
    by: Principal,
    expected_version: int | None = None,
) -> None:
    """Merge sent properties into the content of an event (PATCH), null removes; raises as PUT."""
    _changed(workspace, event_id, given, _merged, ("context",), expected_version, by)


def delete_event(
    workspace: WorkspaceRules, event_id: UUID, *, expected_version: int | None = None
) -> None:
    """Delete an event; raises NotFound, Stale, Locked."""

    def delete(is_held: bool) -> None:
        event = _known(workspace, event_id, expected_version, is_held=is_held)
        _write(workspace, event, None)

    _made(delete)


class _ConcurrentChange(Exception):
    """The event has changed since it was read."""


def _made(change: Callable[[bool], None]) -> None:
    """Make a change of the event as it is read; if another writer is faster, of the locked event.

    The argument of `change` is whether to lock it.
    """
    try:
        change(False)
    except _ConcurrentChange:
        with transaction.atomic():
            change(True)


def _replaced(event: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    completed = with_empty_parts(body)
    return {
        "properties": completed["properties"],
        "context": body["context"],
        "contextInfo": completed["contextInfo"],
        "date": event["date"] if body.get("date") is None else body["date"],
        "tracking": body.get("tracking"),
        "externalId": body.get("externalId", event["externalId"]),
    }


def _merged(event: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    stored = {name: event[name] for name in CHANGEABLE}
    return {
        "properties": _patched(stored, body, "properties", otherwise={}),
        "context": stored["context"],
        "contextInfo": _patched(stored, body, "contextInfo", otherwise={}),
        "date": stored["date"] if body.get("date") is None else body["date"],
        "externalId": body.get("externalId", stored["externalId"]),
        "tracking": _patched(stored, body, "tracking", otherwise=None),
    }


def _patched(
    stored: Mapping[str, Any], body: Mapping[str, Any], name: str, *, otherwise: Any
) -> Any:
    """Return a part of the content after a patch; `otherwise` when the patch removes it."""
    if name not in body:
        return stored[name]
    return otherwise if body[name] is None else merge_patched(stored[name], body[name])


def _changed(
    workspace: WorkspaceRules,
    event_id: UUID,
    given: GivenEvent,
    change: Change,
    also_immutable: tuple[str, ...],
    expected_version: int | None,
    by: Principal,
) -> None:
    def make(is_held: bool) -> None:
        event = _known(workspace, event_id, expected_version, is_held=is_held)
        if by.is_untrusted and not Event.objects.is_registered_by(
            workspace.id, event_id, by.author
        ):
            raise Forbidden(f"The client has not sent event {event_id}")
        content = _content_after(workspace, event, given, change, also_immutable)
        if content is None:
            return
        is_of_products = workspace.event_types[content.type].updates_products
        with transaction.atomic() if is_of_products else nullcontext():
            _write(workspace, event, content)
            note_products(workspace, [content])

    _made(make)


def _content_after(
    workspace: WorkspaceRules,
    event: Mapping[str, Any],
    given: GivenEvent,
    change: Change,
    also_immutable: tuple[str, ...],
) -> Content | None:
    """Return the new content, None when it does not change; raises TooLarge, Invalid."""
    limit = workspace.event_types[event["type"]].max_bytes
    if given.size > limit:
        raise TooLarge(f"Events {event['type']} must not exceed {limit} bytes")
    faults = _body_faults(given.body, event, also_immutable)
    if faults:
        raise Invalid(INVALID_EVENT, errors=faults)
    context = given.body.get("context", event["context"])
    body = coerced_parts(given.body, event["type"], context, workspace.event_schema)
    after = {"type": event["type"], **change(event, body)}
    now = datetime.now(UTC)
    after, faults = read_content(after, workspace.event_schema, now)
    if faults:
        raise Invalid(INVALID_EVENT, errors=as_sent(faults, given.body, body))
    if _size(after) > max(limit, _size(event)):
        raise TooLarge(f"Events {event['type']} as a whole must not exceed {limit} bytes")
    content = _content(workspace, event, after, now)
    before = _content(workspace, event, event, now)
    if content == before:
        return None
    if content.external_id != before.external_id:
        placeholders = workspace.placeholders
        faults = placeholder_faults(content.external_id, placeholders, at="/externalId")
        if faults:
            raise Invalid(INVALID_EVENT, errors=faults)
    return content


def _content(
    workspace: WorkspaceRules, event: Mapping[str, Any], given: Mapping[str, Any], now: datetime
) -> Content:
    """Return the new content for `said`; values of disabled properties stay."""
    content = content_of(given, workspace.event_schema, now)
    schema = workspace.event_schema(content.type)
    properties = schema.with_disabled_of(event["properties"], content.properties)
    return replace(content, properties=properties)


def _write(workspace: WorkspaceRules, event: Mapping[str, Any], content: Content | None) -> None:
    """Write the new content, None to delete the event; raises Conflict, Locked, _Overtaken."""
    change = EventChange(id=UUID(event["id"]), content=content, version=event["version"])
    try:
        with savepoint():
            (outcome,) = write_events(workspace.id, [change])
    except IntegrityError:
        outcome = Outcome.EXISTS  # inserted concurrently
    if outcome is Outcome.EXISTS:
        assert content is not None
        assert content.external_id is not None
        key = (UUID(event["nodeId"]), content.external_id, content.type)
        others = Event.objects.with_external_ids(workspace.id, [key])
        raise external_id_conflict(others[key].row.id if key in others else None)
    if outcome is Outcome.STALE:
        raise _ConcurrentChange
    if outcome is not Outcome.WRITTEN:
        raise Locked  # the node was locked after the rules were read


def _size(event: Mapping[str, Any]) -> int:
    """Return the size of an event's content in bytes."""
    return len(orjson.dumps([event[name] for name in CHANGEABLE]))


def _known(
    workspace: WorkspaceRules, event_id: UUID, expected_version: int | None, *, is_held: bool
) -> EventResponse:
    """Return the event, locked until the transaction ends if `is_held`."""
    read = Event.objects.lock_row if is_held else Event.objects.one_row
    row = read(workspace.id, event_id)
    if row is None:
        raise NotFound(f"event not found {event_id}")
    event = event_response(row)
    if expected_version is not None and expected_version != event["version"]:
        raise Stale
    node = workspace.nodes.get(UUID(event["nodeId"]))
    if node is not None and node.state == NodeState.LOCKED:
        raise Locked
    return event


def _body_faults(
    body: Mapping[str, Any], event: Mapping[str, Any], also_immutable: tuple[str, ...]
) -> list[FieldError]:
    known = {*IMMUTABLE, *IGNORED, *CHANGEABLE}
    faults = [
        FieldError(f"/{name}", "is not a known property", "unknown")
        for name in sorted(body.keys() - known)
    ]
    return faults + [
        FieldError(f"/{name}", "cannot be changed", "immutable")
        for name in (*IMMUTABLE, *also_immutable)
        if body.get(name) is not None and not _is_same(name, body[name], event[name])
    ]


def _is_same(name: str, given: Any, kept: Any) -> bool:
    """Return whether a property is unchanged; a bring-back may omit its type."""
    if name == "bringBackProperties" and isinstance(given, dict) and kept is not None:
        return bool({**kept, **given} == kept)
    return is_equivalent(given, kept)
