"""Statistics of one customer: events and purchases."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from analytics.api import schema
from analytics.api.scoping import StatsViewSet, period_data, stats_response, values_data
from analytics.domain import indicators
from analytics.domain.indicators import money, plain_decimal
from analytics.domain.periods import MODES, YEAR, Period, series
from analytics.queries.customer_stats import buying, events_by_type
from configuration.domain.vocabulary import EVENT_TYPES
from contacthub_project.api.parameters import choice_parameter
from contacthub_project.api.query import QueryParameters, id_or_unknown
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.core.errors import NotFound
from customers.models import Customer
from events.queries.aggregates import members_of


class CustomerBehaviorViewSet(StatsViewSet):
    """Counts the events of a customer, and of the members of an aggregate customer."""

    @extend_schema(
        parameters=[
            schema.START,
            schema.END,
            choice_parameter("mode", MODES, "What a value is counted over.", default="DAILY"),
        ],
        responses={200: schema.CATEGORIES},
    )
    def event_categories(
        self, request: HttpRequest, workspace_id: str, customer_id: str
    ) -> JsonResponse:
        """Return the categories and types of the customer's events."""
        parameters = QueryParameters(request)
        mode = parameters.choice("mode", list(MODES), default="DAILY")
        period = self.period_of_customer(parameters, MODES[mode].most_months)
        found = events_by_type(self.workspace.id, self.owners(customer_id), period)
        data = [
            {
                "category": EVENT_TYPES[event_type].category,
                "type": event_type,
                "values": values_data(series(days, period, mode)),
            }
            for event_type, days in sorted(found.items(), key=_category_and_type)
        ]
        return stats_response(period_data(period) | {"mode": mode}, data)

    @extend_schema(parameters=[schema.START, schema.END], responses={200: schema.BEHAVIORS})
    def buying_behaviors(
        self, request: HttpRequest, workspace_id: str, customer_id: str
    ) -> JsonResponse:
        """Return what the customer spent, ordered and returned."""
        parameters = QueryParameters(request)
        period = self.period_of_customer(parameters, None)
        bought = buying(self.workspace.id, self.owners(customer_id), period)
        currency = self.currency()
        spent, revenue = money(bought.spending, currency), money(bought.revenue, currency)
        average = indicators.ratio(bought.spending, Decimal(bought.orders), 2)
        data = [
            {
                "name": "totalSpending", "type": "currency", "currency": currency,
                "value": spent, "total": spent, "revenue": revenue,
            },
            {"name": "orders", "type": "number", "value": str(bought.orders)},
            {
                "name": "averageOrderValue", "type": "currency", "currency": currency,
                "value": money(average, currency),
            },
            {"name": "items", "type": "number", "value": plain_decimal(bought.items)},
            {"name": "returns", "type": "number", "value": str(bought.returns)},
            {"name": "lastPurchase", "type": "datetime", "value": bought.last_purchase},
        ]  # fmt: skip
        return stats_response(period_data(period), data)

    def owners(self, customer_id: str) -> Sequence[Any]:
        """Return the customer's id, and those of its members; raises NotFound, Forbidden."""
        found = id_or_unknown(customer_id)
        row = Customer.objects.live_row(self.workspace.id, found)
        if row is None or self.node_rules(row.node_id) is None:
            raise NotFound(f"customer not found {customer_id}")
        self.readable_node(row.node_id)
        return [found, *members_of(self.workspace.id, found)]

    def period_of_customer(self, parameters: QueryParameters, most_months: int | None) -> Period:
        """Return the period; raises Invalid with every fault."""
        period_in = self.period(parameters, usual_months=YEAR, most_months=most_months)
        parameters.raise_faults()
        return period_in(ZoneInfo(self.workspace.timezone))


def _category_and_type(found: tuple[str, Any]) -> tuple[str, str]:
    return EVENT_TYPES[found[0]].category, found[0]
