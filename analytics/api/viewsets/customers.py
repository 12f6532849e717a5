"""Statistics of customers: totals, channels, registrations."""

from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from analytics.api import schema
from analytics.api.schema import CHANNELS
from analytics.api.scoping import StatsViewSet, period_data, stats_response, values_data
from analytics.domain.periods import MODES, YEAR, series
from analytics.queries import measures
from contacthub_project.api.parameters import choice_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse


class CustomerStatsViewSet(StatsViewSet):
    """Customers of a node, or of all entry nodes that the caller may read."""

    @extend_schema(parameters=[schema.NODE], responses={200: schema.COUNT})
    def count(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return the number of customers."""
        node_id = self.node_parameter()
        customers = sum(self.counts(node_id).ever(measures.CUSTOMERS).values())
        return stats_response({"nodeId": node_id}, {"customers": str(customers)})

    @extend_schema(parameters=[schema.NODE], responses={200: schema.CHANNEL_COUNTS})
    def channels(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return how many customers can be reached by which channels."""
        node_id = self.node_parameter()
        reached = self.counts(node_id).ever(measures.CUSTOMERS)
        data = {channel: str(reached.get(channel, 0)) for channel in CHANNELS}
        return stats_response({"nodeId": node_id}, data)

    @extend_schema(
        parameters=[
            schema.START,
            schema.END,
            choice_parameter("mode", MODES, "What a value is counted over.", default="MONTHLY"),
            schema.NODE,
        ],
        responses={200: schema.REGISTRATIONS},
    )
    def registrations(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return how many customers registered in each day, week or month."""
        parameters = QueryParameters(request)
        mode = parameters.choice("mode", list(MODES), default="MONTHLY")
        months = MODES[mode].most_months
        period_in = self.period(parameters, usual_months=YEAR, most_months=months)
        node_id = parameters.text("nodeId")
        parameters.raise_faults()
        period, counts = self.counts(node_id).by_day([measures.REGISTRATIONS], period_in)
        data = values_data(series(counts.get((measures.REGISTRATIONS, ""), {}), period, mode))
        return stats_response(period_data(period) | {"mode": mode, "nodeId": node_id}, data)

    def node_parameter(self) -> str | None:
        """Return the parameter `nodeId`; raises Invalid."""
        parameters = QueryParameters(self.request)
        node_id = parameters.text("nodeId")
        parameters.raise_faults()
        return node_id
