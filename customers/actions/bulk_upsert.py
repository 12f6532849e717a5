"""Creating and merging many customers of a node by few statements, by the rules of a single one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson

from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import Conflict, ContacthubError, Invalid
from contacthub_project.core.identifiers import new_id
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import fetch_all
from customers.actions.customers import (
    INVALID_CUSTOMER,
    check_document,
    check_required,
    checked_body,
    now_text,
    open_node,
    subscription_faults,
)
from customers.actions.identity_locks import lock_identities, notify_identities_appeared
from customers.actions.writes import (
    CustomerWrite,
    Outcome,
    follow,
    lock_open_node,
    write_customers,
)
from customers.domain.identities import EXTERNAL_ID
from customers.domain.matching import match_key
from customers.domain.merge import (
    EMPTY,
    Document,
    for_create,
    unchanged,
    with_subscription_dates,
)
from customers.models.customer import ROW_AS_JSON, CustomerRow
from customers.queries.documents import document_of

SAME_PEOPLE = f"""
SELECT match_key, {ROW_AS_JSON} FROM customers_customer
WHERE node_id = %s AND match_key = ANY (%s::bytea[]) AND workspace_id = %s AND deleted = 0
ORDER BY id FOR NO KEY UPDATE
"""


class LostRace(Exception):
    """Somebody else has just made one of the customers: the transaction is to be begun anew."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a body: the customer, and created, updated or unchanged."""

    customer_id: UUID
    how: str


@dataclass(slots=True)
class _Person:
    """A customer under way: what was stored, if anything, and what it is to be."""

    id: UUID
    row: CustomerRow | None
    after: Document

    def write(self, node: NodeRules, by: Principal) -> CustomerWrite:
        """The write that makes it so."""
        if self.row is None:
            return replace(CustomerWrite.of_new(node, self.after, by), id=self.id)
        return CustomerWrite.of_change(node, self.row, self.after, by)

    def new_external_id(self) -> str | None:
        """The client's id that it has not had before."""
        external_id = self.after["externalId"]
        known = None if self.row is None else self.row.external_id
        return None if external_id == known else external_id


def upsert_many(
    workspace: WorkspaceRules,
    node_id: UUID,
    bodies: Sequence[dict[str, Any]],
    *,
    inserts_only: bool,
    by: Principal,
) -> list[Done | ContacthubError]:
    """What became of each body, in order; one that is refused hinders no other.

    Within the caller's transaction. Bodies of one person are merged one after the other. With
    `inserts_only` a known person is a Conflict. Raises NotFound, Forbidden or Locked for the node,
    and NodeNotOpen or LostRace when it has to be tried again in another transaction.
    """
    node = open_node(workspace, node_id)
    outcomes: list[Done | ContacthubError | None] = [None] * len(bodies)
    given: dict[int, dict[str, Any]] = {}
    keys: dict[int, bytes] = {}
    for index, body in enumerate(bodies):
        try:
            given[index] = checked_body(workspace, node, {"nodeId": str(node.id), **body})
            document = for_create(EMPTY, given[index])
            check_required(node, document)
            key = match_key(node.matching, document)
            assert key is not None, "required properties were checked"
            keys[index] = key
        except ContacthubError as refusal:
            outcomes[index] = refusal
    external_ids = {given[index].get("externalId") for index in keys} - {None}
    lock_identities((node.id, EXTERNAL_ID, str(value)) for value in external_ids)
    lock_open_node(workspace.id, node)
    people = _known_people(workspace, node, set(keys.values()))
    for index, key in keys.items():
        try:
            outcomes[index] = _merged(workspace, node, people, key, given[index], inserts_only)
        except ContacthubError as refusal:
            outcomes[index] = refusal
    _write(workspace, node, people, by)
    return [outcome for outcome in outcomes if outcome is not None]


def _known_people(
    workspace: WorkspaceRules, node: NodeRules, keys: set[bytes]
) -> dict[bytes, _Person]:
    rows = fetch_all(SAME_PEOPLE, [node.id, sorted(keys), workspace.id], prepare=False)
    people = {}
    for key, text in rows:
        row = CustomerRow(*orjson.loads(text))
        people[bytes(key)] = _Person(UUID(row.id), row, document_of(row))
    return people


def _merged(
    workspace: WorkspaceRules,
    node: NodeRules,
    people: dict[bytes, _Person],
    key: bytes,
    given: Mapping[str, Any],
    inserts_only: bool,
) -> Done:
    person = people.get(key)
    if person is None:
        incomplete = subscription_faults(for_create(EMPTY, given), given)
        if incomplete:
            raise Invalid(INVALID_CUSTOMER, errors=incomplete)
        after = with_subscription_dates(EMPTY, for_create(EMPTY, given), now_text())
        people[key] = _Person(new_id(), None, after)
        return Done(people[key].id, "created")
    if inserts_only:
        raise Conflict(f"Conflict with existing customer {person.id}")
    merged = workspace.customer_schema.with_disabled_of(
        person.after, for_create(person.after, given)
    )
    after = with_subscription_dates(person.after, merged, now_text())
    if unchanged(person.after, after):
        return Done(person.id, "unchanged")
    check_document(workspace, node, after, before=person.after, given=given)
    person.after = after
    return Done(person.id, "updated")


def _write(
    workspace: WorkspaceRules, node: NodeRules, people: Mapping[bytes, _Person], by: Principal
) -> None:
    written = [
        person
        for person in people.values()
        if person.row is None or not unchanged(document_of(person.row), person.after)
    ]
    if not written:
        return
    # The external ids are held by now: nobody has to be told of those that wait for them.
    writes = [replace(person.write(node, by), appears=None) for person in written]
    results = write_customers(workspace.id, writes)
    if any(result.outcome is not Outcome.WRITTEN for result in results):
        raise LostRace
    appeared = [
        (write.id, EXTERNAL_ID, external_id)
        for person, write in zip(written, writes, strict=True)
        if (external_id := person.new_external_id()) is not None
    ]
    notify_identities_appeared(workspace.id, node.id, appeared)
    follow(node)
