"""Inactive customers, which the retention of people will delete."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.utils import extend_schema

from configuration.domain.retention import MOST_MONTHS, months_before
from configuration.models import NodeType, Workspace
from contacthub_project.api import pagination
from contacthub_project.api.components import page_component
from contacthub_project.api.pagination import LARGEST_MATCH, Page
from contacthub_project.api.parameters import ENTITY_PAGE, number_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.core.principal import READ
from customers.api.schema import CUSTOMER
from customers.api.scoping import CustomerScopedViewSet
from customers.models import Customer
from events.queries.inactivity import inactive_in_nodes

MONTHS = number_parameter(
    "months",
    "Months without an event or change; as the workspace is configured unless given.",
    least=1,
    most=MOST_MONTHS,
)


PAGE = page_component("InactiveCustomerPage", CUSTOMER, "inactive customers")


class InactiveCustomerViewSet(CustomerScopedViewSet):
    """Customers without an event or change for so many months."""

    @extend_schema(parameters=[MONTHS, *ENTITY_PAGE], responses={200: PAGE})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return a page of them, node by node, those changed earliest first."""
        parameters = QueryParameters(request)
        months = parameters.whole_number("months", default=None, least=1, most=MOST_MONTHS)
        page = Page.from_query(parameters, pagination.ENTITIES)
        parameters.raise_faults()
        if months is None:
            kept = Workspace.objects.filter(id=self.workspace.id)
            months = kept.values_list("customer_months", flat=True).get()
        nodes = [
            node.id
            for node in self.workspace.nodes.values()
            if node.type == NodeType.ENTRY and self.caller.may(READ, node.id)
        ]
        found = (
            inactive_in_nodes(
                self.workspace.id,
                sorted(nodes),
                before=months_before(timezone.now(), months),
                most=LARGEST_MATCH,
            )
            if months
            else []
        )
        first, count = page.window
        ids = found[first : first + count]
        rows = {row.id: row for row in Customer.objects.live_rows(self.workspace.id, ids)}
        found_customers = [rows[str(each)] for each in ids if str(each) in rows]
        return JsonResponse(
            page.of([self.serialized(row) for row in found_customers], total=len(found))
        )
