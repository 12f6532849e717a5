"""Taking in events: one or a thousand, by the same way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction

from configuration.models import NodeState, NodeType
from configuration.queries.rules import NodeRules, WorkspaceRules, latest_rules_of
from contacthub_project.core.errors import (
    Conflict,
    ContacthubError,
    FieldError,
    Forbidden,
    Invalid,
    Locked,
    NotFound,
    TooLarge,
    Unavailable,
)
from contacthub_project.core.identifiers import as_uuid, new_id
from contacthub_project.core.principal import WRITE, Principal
from contacthub_project.db.sql import fetch_all, load
from customers.actions.identity_locks import lock_identities
from events.actions.products import note_products
from events.actions.writes import EventWrite, write_event, write_events
from events.actions.writes import Outcome as WriteOutcome
from events.domain.admission import customer_refusals, type_refusal
from events.domain.deduplication import digest_of, is_the_same
from events.domain.draft import BringBack, Draft, bring_back_of, content_of, read_draft
from events.models import Event
from events.models.event import EventRow, ExternalKey
from events.queries.documents import event_response

INVALID_EVENT = "The event is not valid"
ATTEMPTS = 5

CUSTOMERS = """
SELECT id, node_id, enabled, version, consents::text FROM customers_customer
WHERE workspace_id = %s AND id = ANY (%s) AND deleted = 0
"""
OWNERS = load("events/sql/owners_of_identities")


@dataclass(frozen=True, slots=True)
class Owner:
    """A customer as far as taking its events asks."""

    id: UUID
    node_id: UUID
    is_enabled: bool
    version: int
    consents: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GivenEvent:
    """An event's body and how many bytes of the request it took."""

    body: Any
    size: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event that is kept: now, or since it was sent before (`is_new` is false)."""

    id: UUID
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Placed:
    """An event with the node it belongs to, and its customer if that is known."""

    draft: Draft
    node: NodeRules
    owner: Owner | None

    @property
    def key(self) -> ExternalKey | None:
        """What names it to its client; None without external id."""
        content = self.draft.content
        if content.external_id is None:
            return None
        return (self.node.id, content.external_id, content.type)


# What became of an event: kept, or why it was refused.
Outcome = Accepted | ContacthubError


def post_event(workspace: WorkspaceRules, given: GivenEvent, *, by: Principal) -> UUID:
    """The id of the new event, durably kept; of the first one when it is sent again.

    Raises Invalid naming every fault, TooLarge, NotFound, Forbidden with its reason, Locked, and
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
        if write_event(workspace.id, write) is WriteOutcome.WRITTEN:
            return write.id
    (outcome,) = _insert(workspace, {0: draft}, {}, by)
    if isinstance(outcome, ContacthubError):
        raise outcome
    return outcome.id


def _writable_nodes(by: Principal) -> list[UUID] | None:
    """The nodes that somebody may write, None for all."""
    if by.nodes is None:
        return None
    return [node_id for node_id in by.nodes if by.may(WRITE, node_id)]


def external_id_conflict(event_id: str | None) -> Conflict:
    """The refusal of an external id that another event of the node and type has."""
    fault = FieldError("/externalId", "is the external id of another event", "conflict")
    data = None if event_id is None else {"event": {"id": event_id}}
    return Conflict(f"Conflict with existing event {event_id}", errors=[fault], data=data)


def post_events(
    workspace: WorkspaceRules, given: Sequence[GivenEvent], *, by: Principal
) -> list[Outcome]:
    """What became of each event, in order: one that is refused hinders no other."""
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
    """What became of all events, in order: of those that could be read, and of the others."""
    ingestion = _Ingestion(workspace, by)
    for _ in range(ATTEMPTS):
        if not drafts:
            break
        done = ingestion.insert(drafts)
        outcomes |= done
        drafts = {index: draft for index, draft in drafts.items() if index not in done}
        if drafts:
            ingestion = _Ingestion(latest_rules_of(workspace.id) or workspace, by)
    # Each round lost a race against a change of the customer or its node.
    outcomes |= {index: Unavailable() for index in drafts}
    return [outcomes[index] for index in sorted(outcomes)]


def _now() -> datetime:
    """This moment, as exact as moments are kept."""
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


class _Ingestion:
    """One attempt to insert events under the rules as they were read."""

    def __init__(self, workspace: WorkspaceRules, by: Principal) -> None:
        self._workspace = workspace
        self._by = by

    def insert(self, drafts: Mapping[int, Draft]) -> dict[int, Outcome]:
        """What became of the events; those that lost a race are missing."""
        outcomes: dict[int, Outcome] = {}
        waiting = self._open(drafts, outcomes)
        with self._transaction(waiting, drafts):
            owners = self._owners(drafts, waiting)
            placed: dict[int, _Placed] = {}
            for index, draft in drafts.items():
                if index in outcomes:
                    continue
                try:
                    placed[index] = self._placed(draft, owners.get(index), waiting.get(index))
                except ContacthubError as refusal:
                    outcomes[index] = refusal
            outcomes |= self._sent_before(placed)
            writes: dict[int, EventWrite] = {}
            for index, each in placed.items():
                if index in outcomes:
                    continue
                try:
                    writes[index] = self._judged(each)
                except ContacthubError as refusal:
                    outcomes[index] = refusal
            told = write_events(self._workspace.id, list(writes.values()))
            inserted = {
                write.id
                for write, became in zip(writes.values(), told, strict=True)
                if became is WriteOutcome.WRITTEN
            }
            note_products(
                self._workspace,
                [write.content for write in writes.values() if write.id in inserted],
            )
        return outcomes | {
            index: Accepted(write.id, is_new=True)
            for index, write in writes.items()
            if write.id in inserted
        }

    def _open(
        self, drafts: Mapping[int, Draft], outcomes: dict[int, Outcome]
    ) -> dict[int, tuple[NodeRules, BringBack]]:
        """The events that are brought back, by nodes that take them."""
        waiting = {}
        for index, draft in drafts.items():
            if draft.bring_back is None:
                continue
            try:
                node = self._node(draft.bring_back.node_id)
                if node.type != NodeType.ENTRY:
                    raise Forbidden(
                        "Events of aggregate nodes need a customerId",
                        errors=[
                            FieldError("/bringBackProperties", "not in aggregate nodes", "node")
                        ],
                    )
                waiting[index] = (node, draft.bring_back)
            except ContacthubError as refusal:
                outcomes[index] = refusal
        return waiting

    def _transaction(
        self,
        waiting: Mapping[int, tuple[NodeRules, BringBack]],
        drafts: Mapping[int, Draft],
    ) -> AbstractContextManager[Any]:
        """A transaction where more than one statement has to hold together."""
        rules = self._workspace.event_types
        if waiting or any(rules[draft.content.type].updates_products for draft in drafts.values()):
            return transaction.atomic()
        return nullcontext()

    def _owners(
        self, drafts: Mapping[int, Draft], waiting: Mapping[int, tuple[NodeRules, BringBack]]
    ) -> dict[int, Owner]:
        by_id = {
            index: customer_id
            for index, draft in drafts.items()
            if draft.customer_id is not None
            and (customer_id := as_uuid(draft.customer_id)) is not None
        }
        known = self._customers(by_id.values())
        owners = {index: known[each] for index, each in by_id.items() if each in known}
        if waiting:
            identities = {
                index: (node.id, bring_back.kind, bring_back.value)
                for index, (node, bring_back) in waiting.items()
            }
            lock_identities(identities.values())
            found = self._found(set(identities.values()))
            owners |= {index: found[each] for index, each in identities.items() if each in found}
        return owners

    def _customers(self, ids: Iterable[UUID]) -> dict[UUID, Owner]:
        wanted = list(set(ids))
        if not wanted:
            return {}
        rows = fetch_all(CUSTOMERS, [self._workspace.id, wanted], prepare=False)
        return {owner.id: owner for owner in map(_owner, rows)}

    def _found(self, identities: set[tuple[UUID, str, str]]) -> dict[tuple[UUID, str, str], Owner]:
        listed = sorted(identities, key=str)
        rows = fetch_all(
            OWNERS,
            {
                "workspace_id": self._workspace.id,
                "nodes": [node for node, _, _ in listed],
                "kinds": [kind for _, kind, _ in listed],
                "values": [value for _, _, value in listed],
                "ignore_cases": [
                    self._workspace.nodes[node].matching.ignores_case_of("externalId")
                    for node, _, _ in listed
                ],
            },
            prepare=False,
        )
        return {(node_id, kind, value): _owner(row) for kind, node_id, value, *row in rows}

    def _placed(
        self, draft: Draft, owner: Owner | None, waiting: tuple[NodeRules, BringBack] | None
    ) -> _Placed:
        """The event with its node; raises NotFound, Forbidden or Locked."""
        if waiting is not None:
            return _Placed(draft, waiting[0], owner)
        if owner is None:
            raise NotFound(f"customer not found {draft.customer_id}")
        return _Placed(draft, self._node(owner.node_id), owner)

    def _sent_before(self, placed: Mapping[int, _Placed]) -> dict[int, Outcome]:
        """What becomes of events whose external id is known: kept once, or a conflict.

        They are not judged again: what was taken in stays, whatever has changed since.
        """
        keys = {index: each.key for index, each in placed.items() if each.key is not None}
        if not keys:
            return {}
        known = Event.objects.with_external_ids(self._workspace.id, list(set(keys.values())))
        return {
            index: self._compared(placed[index], *known[key])
            for index, key in keys.items()
            if key in known
        }

    def _compared(self, placed: _Placed, row: EventRow, digest: bytes | None) -> Outcome:
        """The event that was sent before, or the conflict when its body was another one."""
        event, draft = event_response(row), placed.draft
        if digest is None or digest != digest_of(draft):
            is_same = is_the_same(
                draft,
                owner_id=None if placed.owner is None else placed.owner.id,
                kept=content_of(event, self._workspace.event_schema, draft.content.date),
                kept_owner_id=as_uuid(event["customerId"] or ""),
                kept_bring_back=bring_back_of(event["bringBackProperties"]),
            )
            if not is_same:
                return external_id_conflict(event["id"])
        return Accepted(UUID(event["id"]), is_new=False)

    def _judged(self, placed: _Placed) -> EventWrite:
        """What to write for an event; raises with the reason when it is refused."""
        draft, owner = placed.draft, placed.owner
        demanded = self._workspace.event_types[draft.content.type].consents
        if owner is not None:
            refusals = customer_refusals(
                is_enabled=owner.is_enabled, consents=owner.consents, demanded=demanded
            )
            if refusals:
                raise Forbidden(refusals[0].message, errors=refusals)
        return EventWrite(
            id=new_id(),
            node_id=placed.node.id,
            customer_id=None if owner is None else owner.id,
            # Consents must not change between being looked at and the event going in.
            customer_version=owner.version if owner is not None and demanded else None,
            bring_back=draft.bring_back,
            content=draft.content,
            registered_by=self._by.author,
            body_digest=digest_of(draft),
        )

    def _node(self, node_id: UUID | str) -> NodeRules:
        """A node that takes events of the caller; raises NotFound, Forbidden, Locked."""
        found = node_id if isinstance(node_id, UUID) else as_uuid(node_id)
        node = self._workspace.nodes.get(found) if found is not None else None
        if node is None and found is not None:
            # It may be younger than what this process remembers of the workspace.
            self._workspace = latest_rules_of(self._workspace.id) or self._workspace
            node = self._workspace.nodes.get(found)
        if node is None:
            raise NotFound(f"node not found {node_id}")
        if not self._by.may(WRITE, node.id):
            raise Forbidden(f"The client is not allowed to write in node {node.id}")
        if node.state == NodeState.LOCKED:
            raise Locked
        return node


def _owner(row: Sequence[Any]) -> Owner:
    customer_id, node_id, is_enabled, version, consents = row
    return Owner(customer_id, node_id, is_enabled, version, orjson.loads(consents))
