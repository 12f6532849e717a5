"""Creating and merging many customers of a node by few statements, by the rules of a single one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import Conflict, ContacthubError, Invalid
from contacthub_project.core.identifiers import new_id
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import fetch_all, fetch_one, load
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
from customers.actions.statements import document_arrays, follow, lock_open_node
from customers.domain.consents import consent_changes
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
INSERT_MANY = load("customers/sql/insert_customers")
UPDATE_MANY = load("customers/sql/update_customers")


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
    before: Document | None
    after: Document


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
        document = document_of(row)
        people[bytes(key)] = _Person(UUID(row.id), document, document)
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
    new = {key: person for key, person in people.items() if person.before is None}
    changed = {
        key: person
        for key, person in people.items()
        if person.before is not None and not unchanged(person.before, person.after)
    }
    for statement, written in ((INSERT_MANY, new), (UPDATE_MANY, changed)):
        if written:
            (count,) = fetch_one(
                statement, _parameters(workspace, node, written, by), prepare=False
            )
            if count < len(written):
                raise LostRace
    notify_identities_appeared(
        workspace.id,
        node.id,
        [
            (person.id, EXTERNAL_ID, person.after["externalId"])
            for person in (*new.values(), *changed.values())
            if person.after["externalId"] is not None
            and person.after["externalId"] != (person.before or EMPTY)["externalId"]
        ],
    )
    if new or changed:
        follow(node)


def _parameters(
    workspace: WorkspaceRules, node: NodeRules, people: Mapping[bytes, _Person], by: Principal
) -> dict[str, Any]:
    persons = list(people.values())
    documents = [person.after for person in persons]
    changes = [
        (person.id, change)
        for person in persons
        for change in consent_changes(
            (person.before or EMPTY)["consents"], person.after["consents"]
        )
    ]
    return {
        "workspace_id": workspace.id,
        "node_id": node.id,
        "author": by.author,
        "source_id": by.source_id,
        "user_id": by.user_id,
        "ids": [person.id for person in persons],
        "keys": list(people),
        **document_arrays(documents),
        "changed_ids": [customer_id for customer_id, _ in changes],
        "changed_types": [change.type for _, change in changes],
        "changed_properties": [change.property for _, change in changes],
        "changed_values": [change.value for _, change in changes],
    }
