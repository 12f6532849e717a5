"""Creates and merges many customers of a node by few statements, by the rules for a single one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import Conflict, ContacthubError, Invalid
from contacthub_project.core.identifiers import new_id
from contacthub_project.core.principal import Principal
from customers.actions.bulk_people import Keys, People, Person
from customers.actions.customer_write import Outcome
from customers.actions.identity_locks import lock_identities, notify_identities_appeared
from customers.actions.matching_keys import key_identities
from customers.actions.suppression import note_return
from customers.actions.validation import (
    INVALID_CUSTOMER,
    check_document,
    check_required,
    checked_body,
    heir_body,
    now_text,
    open_node,
    subscription_faults,
)
from customers.actions.writes import enqueue_aggregate_merge, lock_open_node, write_customers
from customers.domain.identities import EXTERNAL_ID
from customers.domain.matching import all_keys
from customers.domain.merge import (
    EMPTY,
    Document,
    for_create,
    unchanged,
    with_subscription_dates,
)
from customers.domain.passwords import keep_password
from customers.queries.suppressions import returning


class ConcurrentInsert(Exception):
    """Another transaction has just created one of the customers: begin again."""


@dataclass(frozen=True, slots=True)
class Upserted:
    """The result for a body: the customer, and created, updated or unchanged."""

    customer_id: UUID
    how: str


@dataclass(frozen=True, slots=True)
class _CheckedBody:
    """A valid body, its matching keys, and the customer that it makes by itself."""

    keys: Keys
    given: dict[str, Any]
    new: Document


def upsert_many(
    workspace: WorkspaceRules,
    node_id: UUID,
    bodies: Sequence[dict[str, Any]],
    *,
    inserts_only: bool,
    by: Principal,
) -> list[Upserted | ContacthubError]:
    """Return the result for each body, in order; a refused one does not affect the others.

    Within the caller's transaction. Bodies of one person are merged one after the other. With
    `inserts_only` a known person is a Conflict. Raises NotFound, Forbidden or Locked for the node,
    and NodeNotOpen or ConcurrentInsert when it must be repeated in another transaction.
    """
    node = open_node(workspace, node_id)
    outcomes: list[Upserted | ContacthubError | None] = [None] * len(bodies)
    checked: dict[int, _CheckedBody] = {}
    for index, body in enumerate(bodies):
        try:
            checked[index] = _checked(workspace, node, body)
        except ContacthubError as refusal:
            outcomes[index] = refusal
    external_ids = {each.given.get("externalId") for each in checked.values()} - {None}
    identities = [(node.id, EXTERNAL_ID, str(value)) for value in external_ids]
    documents = [each.new for each in checked.values()]
    lock_identities(identities + key_identities(node, documents))
    lock_open_node(workspace.id, node)
    people = People(workspace, node, [each.keys for each in checked.values()])
    for index, each in checked.items():
        if people.released and people.released & set(each.keys.values()):
            # Whose such a key is now, the database knows.
            _write(workspace, node, people.changed(), by)
            rest = [one.keys for at, one in checked.items() if at >= index]
            people = People(workspace, node, rest)
        try:
            outcomes[index] = _merged(
                workspace, node, people, each, inserts_only=inserts_only, by=by
            )
        except ContacthubError as refusal:
            outcomes[index] = refusal
    _write(workspace, node, people.changed(), by)
    return [outcome for outcome in outcomes if outcome is not None]


def _checked(workspace: WorkspaceRules, node: NodeRules, body: dict[str, Any]) -> _CheckedBody:
    """Return the body with its matching keys; raises Invalid."""
    given = checked_body(workspace, node, {"nodeId": str(node.id), **body})
    new = for_create(EMPTY, given)
    check_required(node, new)
    keys = all_keys(node.matching, new)
    assert keys, "required properties were checked"
    return _CheckedBody(keys, given, new)


def _merged(
    workspace: WorkspaceRules,
    node: NodeRules,
    people: People,
    body: _CheckedBody,
    *,
    inserts_only: bool,
    by: Principal,
) -> Upserted:
    """Merge a body into its person in memory, or add a new person; raises Conflict, Invalid."""
    keys, given, new = body.keys, body.given, body.new
    person = people.recognised(keys)
    if person is None:
        incomplete = subscription_faults(new, given)
        if incomplete:
            raise Invalid(INVALID_CUSTOMER, errors=incomplete)
        after = with_subscription_dates(EMPTY, new, now_text())
        person = Person(new_id(), None, after, dict(keys))
        _note_return(workspace, node, person, EMPTY, given)
        people.add(person)
        return Upserted(person.id, "created")
    if inserts_only:
        raise Conflict(f"Conflict with existing customer {person.id}")
    given = heir_body(node, person.after, given)
    merged = workspace.customer_schema.with_disabled_of(
        person.after, for_create(person.after, given)
    )
    merged = keep_password(person.after, merged, by=by)
    after = with_subscription_dates(person.after, merged, now_text())
    if unchanged(person.after, after):
        return Upserted(person.id, "unchanged")
    check_document(workspace, node, after, before=person.after, given=given)
    _note_return(workspace, node, replace(person, after=after), person.after, given)
    person.after = after
    people.update_keys(person)
    return Upserted(person.id, "updated")


def _note_return(
    workspace: WorkspaceRules,
    node: NodeRules,
    person: Person,
    before: Document,
    given: Mapping[str, Any],
) -> None:
    """Record that a forgotten person's values are accepted.

    Raises PersonForgotten if they may not.
    """
    returned = returning(workspace, node, person.after, before=before, given=given, is_import=True)
    note_return(workspace.id, returned, person.id)


def _write(
    workspace: WorkspaceRules, node: NodeRules, written: Sequence[Person], by: Principal
) -> None:
    if not written:
        return
    # The external ids are locked by now: no notification is needed for waiting events.
    writes = [person.write(node, by) for person in written]
    results = write_customers(workspace.id, writes)
    if any(result.outcome is not Outcome.WRITTEN for result in results):
        raise ConcurrentInsert
    appeared = [
        (write.id, EXTERNAL_ID, external_id)
        for person, write in zip(written, writes, strict=True)
        if (external_id := person.new_external_id()) is not None
    ]
    notify_identities_appeared(workspace.id, node.id, appeared)
    enqueue_aggregate_merge(node)
