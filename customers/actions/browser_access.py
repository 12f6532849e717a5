"""Restricts the writes of untrusted sources, whose token is public in a web page.

Such a source has access to customers that it has created, that have a session which it has linked,
or that the request identifies by all the values of a rule of the node's matching policy. It cannot
change those values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import FieldError, Forbidden
from contacthub_project.core.principal import Principal
from customers.domain.matching import are_one_person, differing_properties
from customers.domain.paths import as_pointer
from customers.models import Session
from customers.models.customer_row import CustomerRow
from customers.queries.documents import document_of, system_properties


def check_access(
    workspace: WorkspaceRules, row: CustomerRow, by: Principal, *, named_by: Mapping[str, Any]
) -> None:
    """Raise Forbidden unless the caller has access to the customer.

    `named_by` is the body of the request; callers that may read profiles have access to all
    customers.
    """
    if not by.is_untrusted:
        return
    system = system_properties(row)
    if system["sourceInfo"]["registeredBy"] == by.author:
        return
    node = workspace.nodes[UUID(str(system["nodeId"]))]
    if are_one_person(node.matching, document_of(row), named_by):
        return
    if not Session.objects.has_one_of(workspace.id, UUID(str(system["id"])), by.author):
        raise Forbidden(f"The client does not reach customer {system['id']}")


def check_matching_values(
    node: NodeRules, before: Mapping[str, Any], after: Mapping[str, Any], by: Principal
) -> None:
    """Raise Forbidden when an untrusted source changes a value that identifies the customer.

    The external id is one of these values once there is one, whatever the node's policy: look-ups
    and waiting events use it. An equivalent spelling is no change.
    """
    if not by.is_untrusted:
        return
    changed = differing_properties(node.matching, before, after)
    if (
        before["externalId"] not in {None, after["externalId"]}
        and "externalId" not in node.matching.identifying
    ):
        changed.append("externalId")
    if changed:
        raise Forbidden(
            "The client is not allowed to change what the customer is recognised by",
            errors=[
                FieldError(as_pointer(path), "cannot be changed by this client", "recognised")
                for path in changed
            ],
        )
