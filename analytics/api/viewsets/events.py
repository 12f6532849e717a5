"""Statistics of events by type, and key figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from analytics.api import schema
from analytics.api.schema import ALL, SHOPS
from analytics.api.scoping import StatsViewSet, period_data, stats_response
from analytics.domain import indicators
from analytics.domain.indicators import (
    Indicator,
    figure,
    formatted_value,
    plain_decimal,
    sources_of,
)
from analytics.domain.periods import MONTH, YEAR, days_of_series
from analytics.queries import measures
from configuration.domain.vocabulary import CONTEXTS
from contacthub_project.api.parameters import choice_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse


class EventStatsViewSet(StatsViewSet):
    """Events of a node, or of all entry nodes that the caller may read."""

    @extend_schema(
        parameters=[
            schema.START,
            schema.END,
            choice_parameter("context", [*CONTEXTS, ALL], "Events in this context.", default=ALL),
            schema.NODE,
        ],
        responses={200: schema.TYPES},
    )
    def types(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return types and contexts of the period's events, the most frequent first."""
        parameters = QueryParameters(request)
        context = parameters.choice("context", [*CONTEXTS, ALL], default=ALL)
        period_in = self.period(parameters, usual_months=MONTH, most_months=YEAR)
        node_id = parameters.text("nodeId")
        parameters.raise_faults()
        period, sums = self.counts(node_id).by_key(measures.EVENT_TYPES, period_in)
        data = [
            {"type": event_type, "context": its_context, "value": plain_decimal(sums[key])}
            for key in sorted(sums, key=lambda key: (-sums[key], key))
            for event_type, its_context in [key.split(" ")]
            if context in {ALL, its_context}
        ]
        return stats_response(period_data(period) | {"context": context, "nodeId": node_id}, data)


class KeyFigureViewSet(StatsViewSet):
    """Sets of key figures, day by day."""

    @extend_schema(
        parameters=[
            schema.START,
            schema.END,
            choice_parameter("type", [*SHOPS, ALL], "Orders in this context.", default=ALL),
            schema.NODE,
        ],
        responses={200: schema.PURCHASE_FIGURES},
    )
    def purchases(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return orders, their revenue and their items, online, in shops, or both."""
        parameters = QueryParameters(request)
        shop = parameters.choice("type", [*SHOPS, ALL], default=ALL)
        contexts = SHOPS if shop == ALL else (shop,)
        return self.answer(parameters, indicators.purchases(contexts), {"type": shop})

    @extend_schema(
        parameters=[schema.START, schema.END, schema.NODE], responses={200: schema.FIGURES}
    )
    def ecommerce(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return carts, orders and conversion of online shops."""
        return self.answer(QueryParameters(request), indicators.ECOMMERCE)

    @extend_schema(
        parameters=[schema.START, schema.END, schema.NODE], responses={200: schema.FIGURES}
    )
    def web(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return visits of web sites."""
        return self.answer(QueryParameters(request), indicators.WEB)

    def answer(
        self,
        parameters: QueryParameters,
        figures: Sequence[Indicator],
        repeated: Mapping[str, Any] | None = None,
    ) -> JsonResponse:
        """Return the figures of the period; `repeated` are further parameters to repeat."""
        period_in = self.period(parameters, usual_months=MONTH, most_months=None)
        node_id = parameters.text("nodeId")
        parameters.raise_faults()
        metrics = {metric for metric, _ in sources_of(figures)}
        period, counts = self.counts(node_id).by_day(metrics, period_in)
        days = days_of_series(period, (day for by_day in counts.values() for day in by_day))
        currency = self.currency()
        data = [figure_data(each, counts, days, currency) for each in figures]
        return stats_response(
            period_data(period) | dict(repeated or {}) | {"nodeId": node_id}, data
        )


def figure_data(
    indicator: Indicator,
    counts: Mapping[indicators.Source, Mapping[date, Decimal]],
    days: Sequence[date],
    currency: str,
) -> dict[str, Any]:
    """Return a key figure: its total and its values by day."""
    found = figure(indicator, counts, days, currency=currency)
    data: dict[str, Any] = {"name": indicator.name, "type": indicator.type}
    if indicator.type == indicators.CURRENCY:
        data["currency"] = currency

    def text(value: Decimal) -> str:
        return formatted_value(value, indicator.type, currency)

    data["value"] = None if found.total is None else text(found.total)
    data["values"] = [
        {"datetime": day.isoformat(), "value": text(value)} for day, value in found.by_day.items()
    ]
    return data
