"""Pairs of customers of a node that may be the same person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from contacthub_project.api import pagination
from contacthub_project.api.pagination import LARGEST_MATCH
from contacthub_project.api.query import id_or_unknown
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import NotFound
from customers.actions.duplicates import set_state
from customers.api.filters.identity import DuplicateFilterSet
from customers.api.identity_schema import DUPLICATE, PAGE_OF_DUPLICATES
from customers.api.scoping import CustomerScopedViewSet
from customers.models import Customer, DuplicatePair, DuplicateState
from customers.models.customer_row import CustomerRow
from customers.queries.documents import customer_moments
from customers.queries.duplicates import groups_of, pairs_in_node, search_state


class DuplicateViewSet(CustomerScopedViewSet):
    """Pairs of customers that may be the same person; they can be dismissed."""

    filterset_class = DuplicateFilterSet
    page_rules = pagination.ENTITIES

    @extend_schema(responses={200: PAGE_OF_DUPLICATES})
    def list(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        """Return a page of pairs, the most probable first."""
        filters = DuplicateFilterSet(request.GET)
        page = self.requested_page(filters)
        node = self.readable_node(node_id)
        pairs = pairs_in_node(self.workspace.id, node.id)
        if "state" not in request.GET:
            pairs = pairs.filter(state=DuplicateState.OPEN)
        pairs = filters.filter_queryset(pairs)
        answer = page.of(
            self._with_customers([*page.slice(pairs)]), total=pairs.count_up_to(LARGEST_MATCH)
        )
        return JsonResponse(answer | {"search": search_state(self.workspace)})

    @extend_schema(request=None, responses={200: DUPLICATE})
    def dismiss(
        self, request: HttpRequest, workspace_id: str, node_id: str, duplicate_id: str
    ) -> JsonResponse:
        """Dismiss a pair permanently."""
        return self._with_state(node_id, duplicate_id, DuplicateState.DISMISSED)

    @extend_schema(request=None, responses={200: DUPLICATE})
    def reopen(
        self, request: HttpRequest, workspace_id: str, node_id: str, duplicate_id: str
    ) -> JsonResponse:
        """Reopen a dismissed pair."""
        return self._with_state(node_id, duplicate_id, DuplicateState.OPEN)

    def moments(self) -> Positions:
        """Return the positions of timestamps in a pair, and in a page of them."""
        pair = {"customers": (customer_moments(self.workspace.customer_schema),)}
        return {**pair, "elements": (pair,)}

    def _with_state(self, node_id: str, duplicate_id: str, state: DuplicateState) -> JsonResponse:
        node = self.writable_node(node_id)
        pair_id = id_or_unknown(duplicate_id)
        if not pairs_in_node(self.workspace.id, node.id).filter(id=pair_id).exists():
            raise NotFound(f"duplicate not found {duplicate_id}")
        pair = set_state(self.workspace.id, pair_id, state, by=self.caller)
        return JsonResponse(self._with_customers([pair])[0])

    def _with_customers(self, pairs: Any) -> Any:
        """Return pairs with their customers and groups; without customers deleted meanwhile."""
        ids = sorted({each for pair in pairs for each in (pair.first_id, pair.second_id)})
        rows = {row.id: row for row in Customer.objects.live_rows(self.workspace.id, ids)}
        groups = groups_of(self.workspace.id, sorted({pair.first_id for pair in pairs}))
        return [self._pair(pair, rows, groups) for pair in pairs]

    def _pair(
        self, pair: DuplicatePair, rows: dict[str, CustomerRow], groups: dict[UUID, Any]
    ) -> dict[str, Any]:
        both = [rows.get(str(each)) for each in (pair.first_id, pair.second_id)]
        return {
            "id": pair.id,
            "nodeId": pair.node_id,
            "score": pair.score,
            "reasons": pair.reasons,
            "customers": [self.serialized(row) for row in both if row is not None],
            "group": groups.get(pair.first_id, [pair.first_id]),
            "foundAt": pair.found_at,
            "state": pair.state,
            "dismissedAt": pair.dismissed_at,
            "dismissedBy": pair.dismissed_by,
        }
