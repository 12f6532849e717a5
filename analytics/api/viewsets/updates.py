"""Statistics of changes of customers and events, by day."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from analytics.api import schema
from analytics.api.schema import CHANGES
from analytics.api.scoping import StatsViewSet, period_data, stats_response, values_data
from analytics.domain.periods import MONTH, YEAR, series
from analytics.queries import measures
from contacthub_project.api.parameters import choice_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse


class UpdateStatsViewSet(StatsViewSet):
    """Changes of one kind of entity; `metrics` are the measures by operation."""

    metrics: Mapping[str, str]

    @extend_schema(
        parameters=[
            schema.START,
            schema.END,
            choice_parameter("type", CHANGES, "Which changes are counted.", default="ADDED"),
            schema.NODE,
        ],
        responses={200: schema.UPDATES},
    )
    def retrieve(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return how many were added, updated or deleted each day."""
        parameters = QueryParameters(request)
        change = parameters.choice("type", CHANGES, default="ADDED")
        most = MONTH if change == "DELETED" else YEAR
        period_in = self.period(parameters, usual_months=MONTH, most_months=most)
        node_id = parameters.text("nodeId")
        parameters.raise_faults()
        metric = self.metrics[change]
        period, counts = self.counts(node_id).by_day([metric], period_in)
        data = values_data(series(counts.get((metric, ""), {}), period, "DAILY"))
        return stats_response(period_data(period) | {"type": change, "nodeId": node_id}, data)


class CustomerUpdateStatsViewSet(UpdateStatsViewSet):
    """Changes of customers."""

    metrics = {
        "ADDED": measures.CUSTOMERS_ADDED,
        "UPDATED": measures.CUSTOMERS_UPDATED,
        "DELETED": measures.CUSTOMERS_DELETED,
    }


class EventUpdateStatsViewSet(UpdateStatsViewSet):
    """Changes of events."""

    metrics = {
        "ADDED": measures.EVENTS_ADDED,
        "UPDATED": measures.EVENTS_UPDATED,
        "DELETED": measures.EVENTS_DELETED,
    }
