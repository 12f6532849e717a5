"""What a browser's source, whose token anybody can read in the page, may do to customers.

It reaches a customer that it has made itself, that has a session which it has linked, or that the
request names by all the values the node recognises people by. It changes none of those values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import FieldError, Forbidden
from contacthub_project.core.principal import Principal
from customers.domain.matching import differing_properties, match_key
from customers.domain.paths import as_pointer
from customers.models import Session
from customers.models.customer import CustomerRow
from customers.queries.documents import document_of, system_properties


def check_reach(
    workspace: WorkspaceRules, row: CustomerRow, by: Principal, *, named_by: Mapping[str, Any]
) -> None:
    """Raise Forbidden unless the caller reaches the customer.

    `named_by` is the body of the request; callers that may read profiles reach everybody.
    """
    if not by.is_untrusted:
        return
    system = system_properties(row)
    if system["sourceInfo"]["registeredBy"] == by.author:
        return
    node = workspace.nodes[UUID(str(system["nodeId"]))]
    key = match_key(node.matching, document_of(row))
    if key is not None and match_key(node.matching, named_by) == key:
        return
    if not Session.objects.has_one_of(workspace.id, UUID(str(system["id"])), by.author):
        raise Forbidden(f"The client does not reach customer {system['id']}")


def check_recognised_values(
    node: NodeRules, before: Mapping[str, Any], after: Mapping[str, Any], by: Principal
) -> None:
    """Raise Forbidden when a browser's source changes what a customer is recognised by.

    The external id is one of these values once there is one, whatever the node's policy says:
    look-ups and waiting events go by it. Another spelling that is the same to them is no change.
    """
    if not by.is_untrusted:
        return
    changed = differing_properties(node.matching, before, after)
    if (
        before["externalId"] not in {None, after["externalId"]}
        and "externalId" not in node.matching.properties
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
