"""Look-ups of people in all nodes, for data protection officers; each is logged."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.models.staff_change import LONGEST_REASON
from contacthub_project.api.fields import StrictText, StrictUuid
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.serializers import StrictSerializer
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import FieldError, Invalid
from contacthub_project.core.principal import READ
from customers.api.schema import FOUND_PEOPLE
from customers.models import Customer, DeletedState
from customers.queries.person_look_up import WAYS, look_up_person

LONGEST = 200


class LookUp(StrictSerializer):
    """One known identifier of a person, and the reason of the look-up."""

    customerId = StrictUuid(required=False, help_text="Id of a customer.")
    email = StrictText(max_length=LONGEST, required=False, help_text="In any case.")
    phone = StrictText(
        max_length=LONGEST,
        required=False,
        help_text="At least five digits, however they are written; the prefix may be left out.",
    )
    externalId = StrictText(max_length=LONGEST, required=False, help_text="In any case.")
    name = StrictText(
        max_length=LONGEST,
        required=False,
        help_text="The beginning of first name, last name, or both in any order.",
    )
    reason = StrictText(
        max_length=LONGEST_REASON,
        help_text="Why; the audit log has it, without what was looked for.",
    )


class LookUpViewSet(WorkspaceScopedViewSet):
    """Looks people up."""

    @extend_schema(request=LookUp, responses={200: FOUND_PEOPLE})
    def create(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return matching customers of all nodes, deleted ones included."""
        given = LookUp.read(self.body())
        self.access_reason = given.pop("reason")
        if len(given) != 1:
            fault = FieldError("", f"must have one of {', '.join(WAYS)}", "required")
            raise Invalid("The look-up is not valid", errors=[fault])
        ((by, value),) = given.items()
        nodes = [node for node in self.workspace.nodes if self.caller.may(READ, node)]
        found = look_up_person(self.workspace.id, nodes, by=by, text=str(value))
        self.accessed = [each.id for each in found.customers]
        elements = [visible_customer(each) for each in found.customers]
        return JsonResponse({"elements": elements, "isComplete": found.is_complete})

    def moments(self) -> Positions:
        """Date-time objects need no position."""
        return None


def visible_customer(customer: Customer) -> dict[str, Any]:
    base = customer.base
    is_deleted = customer.deleted == DeletedState.DELETED
    return {
        "customerId": customer.id,
        "nodeId": customer.node_id,
        "firstName": base.get("firstName"),
        "lastName": base.get("lastName"),
        "email": (base.get("contacts") or {}).get("email"),
        "externalId": customer.external_id,
        "deletedAt": customer.updated_at if is_deleted else None,
    }
