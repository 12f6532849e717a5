"""Writing customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction

from configuration.domain.placeholders import (
    identifier_faults,
    is_placeholder,
    placeholder_faults,
)
from configuration.models import NodeState, NodeType
from configuration.queries.rules import NodeRules, WorkspaceRules, latest_rules_of
from contacthub_project.core.errors import (
    FieldError,
    Forbidden,
    Invalid,
    Locked,
    NotFound,
    TooLarge,
    Unavailable,
)
from contacthub_project.core.identifiers import as_uuid, canonical_identifier
from contacthub_project.core.principal import Principal
from contacthub_project.core.sameness import says_the_same
from contacthub_project.core.timestamps import format_timestamp
from customers.actions.browser_access import check_recognised_values
from customers.actions.identity_locks import lock_identities
from customers.actions.writes import (
    CustomerWrite,
    NodeNotOpen,
    Outcome,
    Overtaken,
    WriteResult,
    lock_open_node,
    write_customer,
)
from customers.domain.faults import new_faults
from customers.domain.identities import EXTERNAL_ID
from customers.domain.matching import match_key, missing_properties
from customers.domain.merge import (
    EMPTY,
    Document,
    for_create,
    unchanged,
    undecided_subscriptions,
    with_subscription_dates,
)
from customers.domain.paths import as_pointer, has_value, value_at
from customers.models import Customer, DeletedState
from customers.models.customer import CustomerRow
from customers.queries.documents import document_of

INVALID_CUSTOMER = "source customer is not valid"
ATTEMPTS = 5
# What the system keeps, and a body may hold because it was read before.
GENERATED = frozenset(
    {"id", "intId", "registeredAt", "updatedAt", "version", "deleted", "sourceInfo"}
)
CUSTOMER_BYTES = 64 * 1024  # reference: Create Customer
# What is stored grows by merging; without an end, one sender could make a person too large to read.
LARGEST_CUSTOMER = 4 * CUSTOMER_BYTES


OTHER_ID = FieldError("/id", "is not the id of the customer with these values", "reference")


@dataclass(frozen=True, slots=True)
class Upserted:
    """The customer after a POST, and whether it is new."""

    row: CustomerRow
    created: bool


def upsert_customer(
    workspace: WorkspaceRules, node_id: UUID, *, body: dict[str, Any], by: Principal
) -> Upserted:
    """Create a customer, or merge into the one the node recognises (reference: Create Customer).

    `body` may be a customer as it was read: what is generated is ignored, but an id must be that of
    the customer that the node recognises. Raises Invalid naming every fault of `body`, NotFound or
    Locked for the node.
    """
    sent, customer_id = without_generated(body), body.get("id")
    is_possible = customer_id is None or (isinstance(customer_id, str) and as_uuid(customer_id))
    also = [] if is_possible else [OTHER_ID]
    for _ in range(ATTEMPTS):
        node = open_node(workspace, node_id)
        given = checked_body(workspace, node, sent, also=also)
        document = for_create(EMPTY, given)
        check_required(node, document)
        # A subscription that leaves out `subscribed` has to be there already.
        incomplete = subscription_faults(document, given)
        post = _Post(workspace, node, given, by, customer_id)
        try:
            if customer_id is None and not incomplete:
                upserted = post.created_or_merged(document)
            else:
                upserted = post.merged_while_held(document)
        except (NodeNotOpen, Overtaken):
            workspace = _latest(workspace)
            continue
        if upserted is not None:
            return upserted
        if customer_id is not None:
            raise Invalid(INVALID_CUSTOMER, errors=[OTHER_ID])
        if incomplete:
            raise Invalid(INVALID_CUSTOMER, errors=incomplete)
    # Each round lost a race against a deletion or a change of the node's policy.
    raise Unavailable


@dataclass(frozen=True, slots=True)
class _Post:
    """A POST under the rules as they were read; `customer_id` is the one that it names, if any."""

    workspace: WorkspaceRules
    node: NodeRules
    given: dict[str, Any]
    by: Principal
    customer_id: Any

    def created_or_merged(self, document: Document) -> Upserted | None:
        """The new customer, or the one that the node recognises, merged with what was given.

        None when a race was lost. Raises NodeNotOpen.
        """
        document = with_subscription_dates(EMPTY, document, now_text())
        write = CustomerWrite.of_new(self.node, document, self.by)
        result = write_customer(self.workspace.id, write)
        if result.outcome is Outcome.WRITTEN:
            return Upserted(_new_row(write, result), created=True)
        if result.known is None:
            return None
        try:
            return self._merged(result.known)
        except Overtaken:
            return self.merged_while_held(document)

    @transaction.atomic
    def merged_while_held(self, document: Document) -> Upserted | None:
        """The customer that the node recognises, held and merged with what was given.

        None when there is none. Raises NodeNotOpen, Invalid when it is not the one that was named.
        """
        if document["externalId"] is not None:
            lock_identities([(self.node.id, EXTERNAL_ID, document["externalId"])])
        lock_open_node(self.workspace.id, self.node)
        key = match_key(self.node.matching, document)
        row = Customer.objects.lock_same_person(self.workspace.id, self.node.id, key)
        if row is None:
            return None
        if self.customer_id is not None and not says_the_same(self.customer_id, row.id):
            raise Invalid(INVALID_CUSTOMER, errors=[OTHER_ID])
        return self._merged(row)

    def _merged(self, row: CustomerRow) -> Upserted:
        """The customer merged with what was given; raises Overtaken unless it is still `row`."""
        before = document_of(row)
        merged = self.workspace.customer_schema.with_disabled_of(
            before, for_create(before, self.given)
        )
        after = with_subscription_dates(before, merged, now_text())
        if unchanged(before, after):
            return Upserted(row, created=False)
        check_recognised_values(self.node, before, after, self.by)
        check_document(self.workspace, self.node, after, before=before, given=self.given)
        write = CustomerWrite.of_change(self.node, row, after, self.by)
        result = write_customer(self.workspace.id, write)
        if result.outcome is not Outcome.WRITTEN:
            raise Overtaken
        return Upserted(write.changed_row(row, result), created=False)


def _new_row(write: CustomerWrite, result: WriteResult) -> CustomerRow:
    document, now = write.document, result.written_at
    assert document is not None
    assert now is not None
    assert result.int_id is not None
    return CustomerRow(
        str(write.id), result.int_id, document["externalId"], str(write.node_id), document["base"],
        document["consents"], document["extended"], document["extra"], document["tags"],
        document["enabled"],
        now, now, 1, DeletedState.LIVE.value, write.registered_by, write.updated_by,
    )  # fmt: skip


def open_node(workspace: WorkspaceRules, node_id: UUID) -> NodeRules:
    """The rules of a node whose customers can be written; raises NotFound, Forbidden or Locked."""
    node = workspace.nodes.get(node_id)
    if node is None:
        raise NotFound(f"node not found {node_id}")
    if node.type != NodeType.ENTRY:
        raise Forbidden(f"Customers of the aggregate node {node_id} can only be read")
    if node.state == NodeState.LOCKED:
        raise Locked
    return node


def without_generated(body: dict[str, Any]) -> dict[str, Any]:
    """The body without what the system keeps; the same object when it has none of it."""
    if GENERATED.isdisjoint(body):
        return body
    return {name: value for name, value in body.items() if name not in GENERATED}


def checked_body(
    workspace: WorkspaceRules,
    node: NodeRules,
    body: dict[str, Any],
    *,
    also: Sequence[FieldError] = (),
) -> dict[str, Any]:
    """The body, valid and in canonical form; raises Invalid with every fault, `also` included."""
    given, faults = workspace.customer_schema.read(body)
    faults += also
    if "externalId" not in node.matching.properties:
        faults += external_id_faults(workspace, given)
    if faults:
        faults += required_faults(node, given)
        raise Invalid(INVALID_CUSTOMER, errors=faults)
    return workspace.customer_schema.canonical(given)


def check_required(node: NodeRules, document: Document) -> None:
    faults = required_faults(node, document)
    if faults:
        raise Invalid(INVALID_CUSTOMER, errors=faults)


def external_id_faults(
    workspace: WorkspaceRules, body: Mapping[str, Any], *, before: Mapping[str, Any] = EMPTY
) -> list[FieldError]:
    """What keeps the body's external id from being one; the one of `before` may be sent again."""
    given = body.get("externalId")
    if not isinstance(given, str) or canonical_identifier(given) == before["externalId"]:
        return []
    return identifier_faults(given, workspace.placeholders, at="/externalId")


def required_faults(
    node: NodeRules, document: Mapping[str, Any], *, before: Mapping[str, Any] | None = None
) -> list[FieldError]:
    """What the document lacks of the node's unique and mandatory properties.

    A placeholder is no unique property's value, unless `before` has it too: then it was stored when
    it was none, and stays.
    """
    missing = missing_properties(node.matching, document)
    faults = []
    for path in missing:
        pointer, value = as_pointer(path), value_at(document, path)
        if not is_placeholder(value, node.matching.placeholders):
            faults.append(FieldError(pointer, "unique customer property is required", "unique"))
        elif before is None or value_at(before, path) != value:
            faults += placeholder_faults(value, node.matching.placeholders, at=pointer)
    faults += [
        FieldError(as_pointer(path), "mandatory property is required", "mandatory")
        for path in node.mandatory_properties
        if path not in missing and not has_value(value_at(document, path))
    ]
    return faults


def check_document(
    workspace: WorkspaceRules,
    node: NodeRules,
    document: Document,
    *,
    before: Document,
    given: Mapping[str, Any],
) -> None:
    """Raise Invalid for what a write makes wrong: of `before` it would make `document`.

    `given` is what the client sent. Limits hold for what is stored, not only for what is sent:
    collections grow by merging, and TooLarge says that the whole would. What was stored and stays
    as it is fails no write, whatever the rules have become since; a value that the node demands
    must not be removed.
    """
    if len(orjson.dumps(document)) > LARGEST_CUSTOMER:
        raise TooLarge(f"The customer as a whole must not exceed {LARGEST_CUSTOMER} bytes")
    schema = workspace.customer_schema

    def whole_faults(each: Mapping[str, Any]) -> list[FieldError]:
        return schema.update_faults(schema.without_disabled(dict(each)))

    faults = new_faults(whole_faults, document, before=before)
    lacking = required_faults(node, document, before=before)
    if lacking:
        lacked = required_faults(node, before, before=before)
        faults += [fault for fault in lacking if fault not in lacked]
    faults += subscription_faults(document, given)
    if faults:
        raise Invalid(INVALID_CUSTOMER, errors=faults)


def subscription_faults(document: Document, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults for subscriptions of `given` that would not say `subscribed`, in `document` either."""
    undecided = undecided_subscriptions(document)
    if not undecided:
        return []
    sent = (given.get("base") or {}).get("subscriptions") or ()
    return [
        FieldError(f"/base/subscriptions/{index}/subscribed", "is required", "required")
        for index, each in enumerate(sent)
        if each["id"] in undecided
    ]


def now_text() -> str:
    """This moment, as properties of customers hold moments."""
    return format_timestamp(datetime.now(UTC))


def _latest(workspace: WorkspaceRules) -> WorkspaceRules:
    latest = latest_rules_of(workspace.id)
    return replace(workspace, nodes={}) if latest is None else latest
