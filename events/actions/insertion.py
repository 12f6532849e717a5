"""Inserts accepted events: finds their customers, checks consents, and writes them together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import UUID

from django.db import transaction

from configuration.models import NodeState, NodeType, Suppression
from configuration.queries.rules import NodeRules, WorkspaceRules, latest_rules_of
from contacthub_project.core.errors import (
    ContacthubError,
    FieldError,
    Forbidden,
    Locked,
    NotFound,
)
from contacthub_project.core.identifiers import as_uuid, new_id
from contacthub_project.core.principal import WRITE, Principal
from contacthub_project.db.deadlocks import repeated_on_deadlock
from customers.actions.identity_locks import lock_identities
from customers.domain.identities import EXTERNAL_ID
from customers.domain.refusals import UnknownCustomer
from customers.models import MergedCustomer
from customers.queries.suppressions import PersonForgotten, forgotten_external_ids
from events.actions.merging import note_named
from events.actions.products import note_products
from events.actions.repeated_events import (
    Accepted,
    Outcome,
    PlacedEvent,
    outcomes_of_repeated,
)
from events.actions.writes import EventWrite, write_events
from events.actions.writes import Outcome as WriteOutcome
from events.domain.admission import customer_refusals
from events.domain.deduplication import digest_of
from events.domain.draft import BringBack, Draft
from events.queries.owners import Owner, owners_by_id, owners_of_identities

# Modes of suppression in which an event does not wait for somebody who was forgotten.
EVENTS_REFUSED_BY = frozenset({Suppression.REFUSE, Suppression.ALLOW_WITH_CONSENT})


class Insertion:
    """One attempt to insert events, with the rules as they were read."""

    def __init__(self, workspace: WorkspaceRules, by: Principal) -> None:
        self._workspace = workspace
        self._by = by

    @repeated_on_deadlock
    def insert(self, drafts: Mapping[int, Draft]) -> dict[int, Outcome]:
        """Return the results of the events; those to be repeated are missing."""
        outcomes: dict[int, Outcome] = {}
        waiting = self._open(drafts, outcomes)
        successors = self._successors(drafts)
        with self._transaction(waiting, drafts) if not successors else transaction.atomic():
            owners = self._owners(drafts, waiting, successors)
            outcomes |= self._refusals_of_forgotten(waiting, owners)
            placed = self._placed_events(drafts, owners, waiting, outcomes)
            outcomes |= outcomes_of_repeated(self._workspace, placed)
            inserted = self._written(self._event_writes(placed, outcomes))
            note_named(
                self._workspace.id,
                {
                    write.id: successors[named]
                    for index, write in inserted.items()
                    if (named := _named_customer(drafts[index])) in successors
                },
            )
            note_products(self._workspace, [write.content for write in inserted.values()])
        return outcomes | {
            index: Accepted(write.id, is_new=True) for index, write in inserted.items()
        }

    def _placed_events(
        self,
        drafts: Mapping[int, Draft],
        owners: Mapping[int, Owner],
        waiting: Mapping[int, tuple[NodeRules, BringBack]],
        outcomes: dict[int, Outcome],
    ) -> dict[int, PlacedEvent]:
        """Return the events without an outcome, with their nodes; add refusals to `outcomes`."""
        placed: dict[int, PlacedEvent] = {}
        for index, draft in drafts.items():
            if index in outcomes:
                continue
            try:
                placed[index] = self._placed(draft, owners.get(index), waiting.get(index))
            except ContacthubError as refusal:
                outcomes[index] = refusal
        return placed

    def _event_writes(
        self, placed: Mapping[int, PlacedEvent], outcomes: dict[int, Outcome]
    ) -> dict[int, EventWrite]:
        """Return writes of the events without an outcome; add refusals to `outcomes`."""
        writes: dict[int, EventWrite] = {}
        for index, each in placed.items():
            if index in outcomes:
                continue
            try:
                writes[index] = self._write_of(each)
            except ContacthubError as refusal:
                outcomes[index] = refusal
        return writes

    def _written(self, writes: Mapping[int, EventWrite]) -> dict[int, EventWrite]:
        """Write the events in one statement; return those that were inserted."""
        outcomes = write_events(self._workspace.id, list(writes.values()))
        return {
            index: write
            for (index, write), outcome in zip(writes.items(), outcomes, strict=True)
            if outcome is WriteOutcome.WRITTEN
        }

    def _open(
        self, drafts: Mapping[int, Draft], outcomes: dict[int, Outcome]
    ) -> dict[int, tuple[NodeRules, BringBack]]:
        """Return the events with bring-back properties, by nodes that accept them."""
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
        """Return a transaction, if more than one statement must be atomic."""
        rules = self._workspace.event_types
        if waiting or any(rules[draft.content.type].updates_products for draft in drafts.values()):
            return transaction.atomic()
        return nullcontext()

    def _successors(self, drafts: Mapping[int, Draft]) -> dict[UUID, MergedCustomer]:
        """Return merged customers that events name, by id, if the workspace follows them."""
        if not self._workspace.follows_merged_ids:
            return {}
        drafted = map(_named_customer, drafts.values())
        named = {each for each in drafted if each is not None}
        if not named:
            return {}
        merged = MergedCustomer.objects.in_force(self._workspace.id).filter(customer_id__in=named)
        return {each.customer_id: each for each in merged}

    def _owners(
        self,
        drafts: Mapping[int, Draft],
        waiting: Mapping[int, tuple[NodeRules, BringBack]],
        successors: Mapping[UUID, MergedCustomer],
    ) -> dict[int, Owner]:
        """Return the known customers of the events; locks the identities that events wait for."""
        by_id = {
            index: successors[customer_id].current_id if customer_id in successors else customer_id
            for index, draft in drafts.items()
            if (customer_id := _named_customer(draft)) is not None
        }
        known = owners_by_id(self._workspace.id, by_id.values())
        owners = {index: known[each] for index, each in by_id.items() if each in known}
        if waiting:
            identities = {
                index: (node.id, bring_back.kind, bring_back.value)
                for index, (node, bring_back) in waiting.items()
            }
            lock_identities(identities.values())
            found = owners_of_identities(self._workspace, set(identities.values()))
            owners |= {index: found[each] for index, each in identities.items() if each in found}
        return owners

    def _refusals_of_forgotten(
        self, waiting: Mapping[int, tuple[NodeRules, BringBack]], owners: Mapping[int, Owner]
    ) -> dict[int, Outcome]:
        """Return refusals of events for external ids of forgotten people.

        Only in workspaces that accept nothing about them without a consent: events carry none.
        """
        if self._workspace.suppression not in EVENTS_REFUSED_BY:
            return {}
        values: dict[UUID, dict[int, str]] = defaultdict(dict)
        for index, (node, bring_back) in waiting.items():
            if bring_back.kind == EXTERNAL_ID and index not in owners:
                values[node.id][index] = bring_back.value
        refused: dict[int, Outcome] = {}
        for node_id, given in values.items():
            node = self._workspace.nodes[node_id]
            gone = forgotten_external_ids(self._workspace, node, set(given.values()))
            refused |= {index: PersonForgotten() for index, value in given.items() if value in gone}
        return refused

    def _placed(
        self, draft: Draft, owner: Owner | None, waiting: tuple[NodeRules, BringBack] | None
    ) -> PlacedEvent:
        """Return the event with its node; raises NotFound, Forbidden or Locked."""
        if waiting is not None:
            return PlacedEvent(draft, waiting[0], owner)
        if owner is None:
            raise UnknownCustomer(f"customer not found {draft.customer_id}")
        return PlacedEvent(draft, self._node(owner.node_id), owner)

    def _write_of(self, placed: PlacedEvent) -> EventWrite:
        """Return the write of an event; raises with the reason when it is refused."""
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
            # The consents that were checked must still be current when the event is inserted.
            customer_version=owner.version if owner is not None and demanded else None,
            bring_back=draft.bring_back,
            content=draft.content,
            registered_by=self._by.author,
            body_digest=digest_of(draft),
        )

    def _node(self, node_id: UUID | str) -> NodeRules:
        """Return a node that accepts the caller's events; raises NotFound, Forbidden, Locked."""
        found = node_id if isinstance(node_id, UUID) else as_uuid(node_id)
        node = self._workspace.nodes.get(found) if found is not None else None
        if node is None and found is not None:
            # It may be newer than this process's snapshot of the workspace.
            self._workspace = latest_rules_of(self._workspace.id) or self._workspace
            node = self._workspace.nodes.get(found)
        if node is None:
            raise NotFound(f"node not found {node_id}")
        if not self._by.may(WRITE, node.id):
            raise Forbidden(
                f"The client is not allowed to write in node {node.id}",
                data={"nodeId": str(node.id), "permission": WRITE},
            )
        if node.state == NodeState.LOCKED:
            raise Locked
        return node


def _named_customer(draft: Draft) -> UUID | None:
    """Return the id of the customer that an event names, None for one that could be nobody's."""
    return None if draft.customer_id is None else as_uuid(draft.customer_id)
