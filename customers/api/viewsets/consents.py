"""Consents at a moment in the past."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.domain.consent_paths import CONSENT_PATHS
from configuration.models import NodeType
from configuration.queries.rules import WorkspaceRules
from contacthub_project.api.parameters import id_parameter, moment_parameter, text_parameter
from contacthub_project.api.query import QueryParameters, id_or_unknown
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import FieldError, Invalid, NotFound
from contacthub_project.core.timestamps import parse_timestamp
from contacthub_project.db.sql import fetch_value
from customers.api.schema import CONSENT_AUDIENCE, CONSENT_STATE
from customers.api.scoping import CustomerScopedViewSet
from customers.domain.consent_state import ROOT, dotted_path
from customers.models import AggregateMember, Customer
from customers.queries.consent_history import audience, consents_at, consents_response
from customers.queries.documents import consent_log_moments, customer_moments

AT = moment_parameter("at", "The moment; now unless given. A date is its first moment.")
ALL_PEOPLE = frozenset({"CLAB_OPERATOR", "DPO"})  # roles with access to deleted customers, too


class ConsentViewSet(CustomerScopedViewSet):
    """The consents of one customer, and the number of customers with a consent."""

    @extend_schema(parameters=[AT], responses={200: CONSENT_STATE})
    def retrieve(self, request: HttpRequest, workspace_id: str, customer_id: str) -> JsonResponse:
        """Return all consents of a customer at a moment, each with its origin."""
        parameters = QueryParameters(request)
        at = requested_moment(parameters, self.workspace)
        parameters.raise_faults()
        customer, node_id = self._customer(customer_id)
        node = self.node_rules(node_id)
        customers = [customer]
        if node is not None and node.type == NodeType.AGGREGATE:
            members = AggregateMember.objects.of_aggregate(self.workspace.id, customer)
            customers = [*members.values_list("entry_id", flat=True)]
        lines = consents_at(self.workspace.id, customers, at)
        return JsonResponse(consents_response(self.workspace.id, customer, lines, at))

    @extend_schema(
        parameters=[
            text_parameter(
                "path", "The consent, such as `marketing.automatic.email`.", required=True
            ),
            AT,
            id_parameter("nodeId", "Customers of this entry node only; otherwise of all."),
        ],
        responses={200: CONSENT_AUDIENCE},
    )
    def audience(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return how many customers could be contacted by a consent at a moment."""
        parameters = QueryParameters(request)
        at = requested_moment(parameters, self.workspace)
        path = dotted_path(parameters.text("path") or "")
        if path.removeprefix(f"{ROOT}.") not in CONSENT_PATHS:
            parameters.fault("path", "must be the path of a consent", "path")
        given = parameters.text("nodeId")
        parameters.raise_faults()
        node_id = None if given is None else self._entry_node(given)
        found = audience(self.workspace.id, path, at, node_id)
        return JsonResponse({"path": path, "at": at, "nodeId": node_id, **found._asdict()})

    def _entry_node(self, node_id: str) -> UUID:
        node = self.readable_node(node_id)
        if node.type != NodeType.ENTRY:
            fault = FieldError("/nodeId", "must be an entry node: ask for its nodes", "node")
            raise Invalid(errors=[fault])
        return node.id

    def moments(self) -> Positions:
        """Return the positions of timestamps that are text in consents."""
        if self.action == "audience":
            return None
        of_customers = customer_moments(self.workspace.stored_customer_schema)
        return {"consents": of_customers.get("consents"), "leaves": (consent_log_moments,)}

    def _customer(self, customer_id: str) -> tuple[UUID, UUID]:
        """Return the ids of a customer and its node; deleted ones for ALL_PEOPLE only."""
        if self.caller.roles.isdisjoint(ALL_PEOPLE):
            row = self.readable_row(customer_id)
            return UUID(row.id), UUID(row.node_id)
        customers = Customer.objects.in_workspace(self.workspace.id)
        found = customers.filter(id=id_or_unknown(customer_id)).values_list("id", "node_id")
        known: tuple[UUID, UUID] | None = found.first()
        if known is None:
            raise NotFound(f"customer not found {customer_id}")
        return known


def requested_moment(parameters: QueryParameters, workspace: WorkspaceRules) -> datetime:
    """Return the parameter `at`, which must not be in the future."""
    # Compared with the database's clock, which dates the entries.
    now: datetime = fetch_value("SELECT clock_timestamp()", ())
    span = parameters.span("at", workspace.zone)
    if span is None:
        return now
    at = parse_timestamp(span.first)
    if at is None or at > now:
        parameters.fault("at", "must be a moment that has come", "range")
        return now
    return at
