"""Validates the bodies and documents of customers before they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from configuration.domain.placeholders import (
    identifier_faults,
    is_placeholder,
    placeholder_faults,
)
from configuration.models import NodeState, NodeType
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import (
    FieldError,
    Forbidden,
    Invalid,
    Locked,
    NotFound,
    TooLarge,
)
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.core.timestamps import format_timestamp
from customers.domain.faults import new_faults
from customers.domain.matching import inherited_properties, missing_properties, without_identity
from customers.domain.merge import (
    EMPTY,
    Document,
    for_create,
    undecided_subscriptions,
)
from customers.domain.paths import as_pointer, has_value, value_at

INVALID_CUSTOMER = "source customer is not valid"


# Properties of the system, which a body may hold because it was read before.
GENERATED = frozenset(
    {"id", "intId", "registeredAt", "updatedAt", "version", "deleted", "sourceInfo"}
)


CUSTOMER_BYTES = 64 * 1024  # reference: Create Customer


# Stored documents grow by merging: bounded, so that no customer becomes too large to read.
LARGEST_CUSTOMER = 4 * CUSTOMER_BYTES


def open_node(workspace: WorkspaceRules, node_id: UUID) -> NodeRules:
    """Return the rules of a writable node; raises NotFound, Forbidden or Locked."""
    node = workspace.nodes.get(node_id)
    if node is None:
        raise NotFound(f"node not found {node_id}")
    if node.type != NodeType.ENTRY:
        raise Forbidden(f"Customers of the aggregate node {node_id} can only be read")
    if node.state == NodeState.LOCKED:
        raise Locked
    return node


def without_generated(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body without properties of the system; the same object when it has none."""
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
    """Return the body, valid and in canonical form; raises Invalid with every fault and `also`."""
    given, faults = workspace.customer_schema.read(body)
    faults += also
    if "externalId" not in node.matching.identifying:
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
    """Return the faults of the body's external id; that of `before` is accepted again."""
    given = body.get("externalId")
    if not isinstance(given, str) or canonical_identifier(given) == before["externalId"]:
        return []
    return identifier_faults(given, workspace.placeholders, at="/externalId")


def required_faults(
    node: NodeRules, document: Mapping[str, Any], *, before: Mapping[str, Any] | None = None
) -> list[FieldError]:
    """Return faults for missing unique and mandatory properties of the node.

    A placeholder is no value of a unique property, unless `before` has it too: then it was stored
    before it became a placeholder, and remains valid.
    """
    missing = missing_properties(node.matching, document)
    faults = []
    for path in missing:
        pointer, value = as_pointer(path), value_at(document, path)
        if not is_placeholder(value, node.matching.placeholders):
            faults.append(FieldError(pointer, _missing_message(node, value), "unique"))
        elif before is None or value_at(before, path) != value:
            faults += placeholder_faults(value, node.matching.placeholders, at=pointer)
    faults += [
        FieldError(as_pointer(path), "mandatory property is required", "mandatory")
        for path in node.mandatory_properties
        if path not in missing and not has_value(value_at(document, path))
    ]
    return faults


def _missing_message(node: NodeRules, value: Any) -> str:
    if has_value(value):
        return "is nothing that the node recognises customers by"
    if node.matching.has_several_rules:
        return "is required, or all that another rule of the node recognises customers by"
    return "unique customer property is required"


def check_document(
    workspace: WorkspaceRules,
    node: NodeRules,
    document: Document,
    *,
    before: Document,
    given: Mapping[str, Any],
) -> None:
    """Raise Invalid for what a write from `before` to `document` makes wrong.

    `given` is what the client sent. Limits are for the stored document: collections grow by
    merging, and TooLarge means the whole would. Stored values that do not change fail no write,
    even if the rules have become stricter; a mandatory value must not be removed.
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
    """Return faults for subscriptions of `given` without `subscribed` in `document`."""
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
    """Return the present moment in the form of customers' properties."""
    return format_timestamp(datetime.now(UTC))


def heir_body(node: NodeRules, before: Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return what a body of a known person says to the customer that was found for it.

    The whole body; of one that is known by a key from before a merge, nothing that it is recognised
    by, or its keys would change with each source.
    """
    inherited = inherited_properties(node.matching, before, for_create(EMPTY, given))
    if not inherited:
        return given
    rest = without_identity(inherited, given)
    if before["externalId"] is not None:
        rest.pop("externalId", None)
    return rest
