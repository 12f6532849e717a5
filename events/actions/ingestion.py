"""Accepts new events: one or up to a thousand, by the same code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from configuration.queries.rules import WorkspaceRules, latest_rules_of
from contacthub_project.core.errors import (
    ContacthubError,
    Forbidden,
    Invalid,
    TooLarge,
    Unavailable,
)
from contacthub_project.core.identifiers import as_uuid, new_id
from contacthub_project.core.principal import WRITE, Principal
from contacthub_project.runtime.blocking import in_thread
from events.actions.insertion import Insertion
from events.actions.repeated_events import (
    Outcome,
)
from events.actions.writes import EventWrite, write_event
from events.actions.writes import Outcome as WriteOutcome
from events.domain.admission import type_refusal
from events.domain.deduplication import digest_of
from events.domain.draft import Draft, read_draft

INVALID_EVENT = "The event is not valid"
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class GivenEvent:
    """An event's body and its size in the request, in bytes."""

    body: Any
    size: int


async def post_event(workspace: WorkspaceRules, given: GivenEvent, *, by: Principal) -> UUID:
    """Return the id of the new event, durably stored; of the first one when it is sent again.

    Raises Invalid with every fault, TooLarge, NotFound, Forbidden with its reason, Locked, and
    Conflict when another event of the node and type has its external id.
    """
    now = _now()
    draft = _read(workspace, given, now)
    rules = workspace.event_types[draft.content.type]
    customer_id = as_uuid(draft.customer_id) if draft.customer_id is not None else None
    if customer_id is not None and not rules.consents and not rules.updates_products:
        write = EventWrite(
            id=new_id(),
            content=draft.content,
            registered_by=by.author,
            customer_id=customer_id,
            nodes=_writable_nodes(by),
            body_digest=digest_of(draft),
        )
        if await write_event(workspace.id, write) is WriteOutcome.WRITTEN:
            return write.id
    (outcome,) = await in_thread(partial(_insert, workspace, {0: draft}, {}, by))
    if isinstance(outcome, ContacthubError):
        raise outcome
    return outcome.id


def _writable_nodes(by: Principal) -> list[UUID] | None:
    """Return the nodes that the caller may write, None for all."""
    if by.nodes is None:
        return None
    return [node_id for node_id in by.nodes if by.may(WRITE, node_id)]


def post_events(
    workspace: WorkspaceRules, given: Sequence[GivenEvent], *, by: Principal
) -> list[Outcome]:
    """Return the result for each event, in order; a refused one does not affect the others."""
    now = _now()
    outcomes: dict[int, Outcome] = {}
    drafts: dict[int, Draft] = {}
    for index, each in enumerate(given):
        try:
            drafts[index] = _read(workspace, each, now)
        except ContacthubError as refusal:
            outcomes[index] = refusal
    return _insert(workspace, drafts, outcomes, by)


def _insert(
    workspace: WorkspaceRules,
    drafts: Mapping[int, Draft],
    outcomes: dict[int, Outcome],
    by: Principal,
) -> list[Outcome]:
    """Return the results of all events, in order: of valid ones, and of the others."""
    insertion = Insertion(workspace, by)
    for _ in range(ATTEMPTS):
        if not drafts:
            break
        done = insertion.insert(drafts)
        outcomes |= done
        drafts = {index: draft for index, draft in drafts.items() if index not in done}
        if drafts:
            insertion = Insertion(latest_rules_of(workspace.id) or workspace, by)
    # A round fails when a change of the customer or its node is faster.
    outcomes |= {index: Unavailable() for index in drafts}
    return [outcomes[index] for index in sorted(outcomes)]


def _now() -> datetime:
    """Return the present moment, with the precision of stored moments."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _read(workspace: WorkspaceRules, given: GivenEvent, now: datetime) -> Draft:
    if not isinstance(given.body, dict):
        raise Invalid.at("", "must be an object", "type")
    draft, faults = read_draft(given.body, workspace.event_schema, now, workspace.placeholders)
    if draft is None:
        raise Invalid(INVALID_EVENT, errors=faults)
    rules = workspace.event_types[draft.content.type]
    if given.size > rules.max_bytes:
        raise TooLarge(f"Events {draft.content.type} must not exceed {rules.max_bytes} bytes")
    refusals = type_refusal(draft.content.type, is_enabled=rules.is_enabled)
    if refusals:
        raise Forbidden(refusals[0].message, errors=refusals)
    return draft
