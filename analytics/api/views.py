from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from analytics.api import schema
from analytics.api.schema import CHANGES, CHANNELS
from analytics.domain import indicators
from analytics.domain.indicators import Indicator, figure, money, plain, sources_of, written
from analytics.domain.periods import MODES, MONTH, YEAR, Period, days_shown, period_of, series
from analytics.queries import measures
from analytics.queries.counters import Counts
from analytics.queries.customer_stats import buying, events_by_type
from configuration.api.scoping import WorkspaceView
from configuration.domain.vocabulary import CONTEXTS, EVENT_TYPES
from configuration.models import Node, NodeType, Workspace
from contacthub_project.api import pagination
from contacthub_project.api.pagination import Page
from contacthub_project.api.parameters import choice_parameter
from contacthub_project.api.query import QueryParameters, id_or_unknown
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.schema import PAGE_PARAMETERS
from contacthub_project.core.errors import NotFound
from contacthub_project.core.principal import READ
from customers.models import Customer
from events.queries.aggregates import members_of

ALL = "ALL"
SHOPS = ("ECOMMERCE", "RETAIL")

PeriodIn = Callable[[ZoneInfo], Period]


class StatsView(WorkspaceView):
    """Counts what the caller may read."""

    def counts(self, node_id: str | None) -> Counts:
        """Of one node; of all entry nodes that the caller may read when none is named."""
        if node_id:
            return Counts(self.workspace.id, [self.readable_node(node_id).id])
        entries = [
            node.id
            for node in self.workspace.nodes.values()
            if node.type == NodeType.ENTRY and self.caller.may(READ, node.id)
        ]
        return Counts(self.workspace.id, entries)

    def period(
        self, parameters: QueryParameters, *, usual_months: int, most_months: int | None
    ) -> PeriodIn:
        """The period that is asked for, by time zone; a wrong one is a fault of `parameters`."""
        start, end = parameters.moment("start"), parameters.moment("end")
        asked = partial(
            period_of,
            start,
            end,
            now=datetime.now(UTC),
            usual_months=usual_months,
            most_months=most_months,
        )
        try:
            asked(zone=ZoneInfo(self.workspace.timezone))
        except ValueError as error:
            parameters.fault("start", str(error))
        return lambda zone: asked(zone=zone)

    def currency(self) -> str:
        return Workspace.objects.values_list("currency", flat=True).get(id=self.workspace.id)


class WorkspaceStatsView(StatsView):
    @extend_schema(responses={200: schema.WORKSPACE})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        workspace = Workspace.objects.get(id=self.workspace.id)
        return JsonResponse(
            {
                "id": str(workspace.id),
                "name": workspace.name,
                "status": workspace.status,
                "customers": sum(self.counts(None).ever(measures.CUSTOMERS).values()),
            }
        )


class NodeStatsView(StatsView):
    @extend_schema(parameters=[*PAGE_PARAMETERS], responses={200: schema.NODES})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Nodes the caller may read, by name."""
        parameters = QueryParameters(request)
        page = Page.asked_for(parameters, pagination.CONFIGURATION)
        parameters.raise_faults()
        readable = [each for each in self.workspace.nodes if self.caller.may(READ, each)]
        nodes = Node.objects.in_workspace(self.workspace.id).filter(id__in=readable)
        shown = list(page.slice(nodes.order_by("name", "id")))
        customers = Counts(self.workspace.id, [node.id for node in shown]).ever_by_node(
            measures.CUSTOMERS
        )
        elements = [
            {
                "id": str(node.id),
                "name": node.name,
                "type": node.type,
                "customers": customers.get(node.id, 0),
            }
            for node in shown
        ]
        return JsonResponse(page.of(elements, total=len(readable)))


class CustomersCountView(StatsView):
    @extend_schema(parameters=[schema.NODE], responses={200: schema.COUNT})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        node_id = _node_id(request)
        customers = sum(self.counts(node_id).ever(measures.CUSTOMERS).values())
        return _answer({"nodeId": node_id}, {"customers": str(customers)})


class ChannelsView(StatsView):
    @extend_schema(parameters=[schema.NODE], responses={200: schema.CHANNEL_COUNTS})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        node_id = _node_id(request)
        reached = self.counts(node_id).ever(measures.CUSTOMERS)
        data = {channel: str(reached.get(channel, 0)) for channel in CHANNELS}
        return _answer({"nodeId": node_id}, data)


class RegistrationsView(StatsView):
    @extend_schema(
        parameters=[
            schema.START,
            schema.END,
            choice_parameter("mode", MODES, "What a value is counted over.", default="MONTHLY"),
            schema.NODE,
        ],
        responses={200: schema.REGISTRATIONS},
    )
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        mode = parameters.choice("mode", list(MODES), default="MONTHLY")
        months = MODES[mode].most_months
        asked = self.period(parameters, usual_months=YEAR, most_months=months)
        node_id = parameters.text("nodeId") or None
        parameters.raise_faults()
        period, counts = self.counts(node_id).by_day([measures.REGISTRATIONS], asked)
        data = _values(series(counts.get((measures.REGISTRATIONS, ""), {}), period, mode))
        return _answer(_shown(period) | {"mode": mode, "nodeId": node_id}, data)


class _UpdatesView(StatsView):
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
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        change = parameters.choice("type", CHANGES, default="ADDED")
        most = MONTH if change == "DELETED" else YEAR
        asked = self.period(parameters, usual_months=MONTH, most_months=most)
        node_id = parameters.text("nodeId") or None
        parameters.raise_faults()
        metric = self.metrics[change]
        period, counts = self.counts(node_id).by_day([metric], asked)
        data = _values(series(counts.get((metric, ""), {}), period, "DAILY"))
        return _answer(_shown(period) | {"type": change, "nodeId": node_id}, data)


class CustomerUpdatesView(_UpdatesView):
    metrics = {
        "ADDED": measures.CUSTOMERS_ADDED,
        "UPDATED": measures.CUSTOMERS_UPDATED,
        "DELETED": measures.CUSTOMERS_DELETED,
    }


class EventUpdatesView(_UpdatesView):
    metrics = {
        "ADDED": measures.EVENTS_ADDED,
        "UPDATED": measures.EVENTS_UPDATED,
        "DELETED": measures.EVENTS_DELETED,
    }


class EventTypesView(StatsView):
    @extend_schema(
        parameters=[
            schema.START,
            schema.END,
            choice_parameter("context", [*CONTEXTS, ALL], "Events in this context.", default=ALL),
            schema.NODE,
        ],
        responses={200: schema.TYPES},
    )
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Types and contexts that have events in the period, the most frequent first."""
        parameters = QueryParameters(request)
        context = parameters.choice("context", [*CONTEXTS, ALL], default=ALL)
        asked = self.period(parameters, usual_months=MONTH, most_months=YEAR)
        node_id = parameters.text("nodeId") or None
        parameters.raise_faults()
        period, sums = self.counts(node_id).by_key(measures.EVENT_TYPES, asked)
        data = [
            {"type": event_type, "context": its_context, "value": plain(sums[key])}
            for key in sorted(sums, key=lambda key: (-sums[key], key))
            for event_type, its_context in [key.split(" ")]
            if context in {ALL, its_context}
        ]
        return _answer(_shown(period) | {"context": context, "nodeId": node_id}, data)


class _FiguresView(StatsView):
    """A set of key figures, day by day."""

    def answer(
        self,
        parameters: QueryParameters,
        wanted: Sequence[Indicator],
        echoed: Mapping[str, Any] | None = None,
    ) -> JsonResponse:
        asked = self.period(parameters, usual_months=MONTH, most_months=None)
        node_id = parameters.text("nodeId") or None
        parameters.raise_faults()
        metrics = {metric for metric, _ in sources_of(wanted)}
        period, counts = self.counts(node_id).by_day(metrics, asked)
        days = days_shown(period, (day for by_day in counts.values() for day in by_day))
        currency = self.currency()
        data = [_figure(each, counts, days, currency) for each in wanted]
        return _answer(_shown(period) | dict(echoed or {}) | {"nodeId": node_id}, data)


class PurchasesView(_FiguresView):
    @extend_schema(
        parameters=[
            schema.START,
            schema.END,
            choice_parameter("type", [*SHOPS, ALL], "Orders in this context.", default=ALL),
            schema.NODE,
        ],
        responses={200: schema.PURCHASE_FIGURES},
    )
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        shop = parameters.choice("type", [*SHOPS, ALL], default=ALL)
        contexts = SHOPS if shop == ALL else (shop,)
        return self.answer(parameters, indicators.purchases(contexts), {"type": shop})


class EcommerceView(_FiguresView):
    @extend_schema(
        parameters=[schema.START, schema.END, schema.NODE], responses={200: schema.FIGURES}
    )
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return self.answer(QueryParameters(request), indicators.ECOMMERCE)


class WebView(_FiguresView):
    @extend_schema(
        parameters=[schema.START, schema.END, schema.NODE], responses={200: schema.FIGURES}
    )
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return self.answer(QueryParameters(request), indicators.WEB)


class _CustomerStatsView(StatsView):
    def owners(self, customer_id: str) -> list[Any]:
        """The customer's id, and those of its members; raises NotFound, Forbidden."""
        found = id_or_unknown(customer_id)
        row = Customer.objects.live_row(self.workspace.id, found)
        if row is None or self.node_rules(row.node_id) is None:
            raise NotFound(f"customer not found {customer_id}")
        self.readable_node(row.node_id)
        return [found, *members_of(self.workspace.id, found)]

    def asked_period(self, parameters: QueryParameters, most_months: int | None) -> Period:
        asked = self.period(parameters, usual_months=YEAR, most_months=most_months)
        parameters.raise_faults()
        return asked(ZoneInfo(self.workspace.timezone))


class CategoryDistributionView(_CustomerStatsView):
    @extend_schema(
        parameters=[
            schema.START,
            schema.END,
            choice_parameter("mode", MODES, "What a value is counted over.", default="DAILY"),
        ],
        responses={200: schema.CATEGORIES},
    )
    def get(self, request: HttpRequest, workspace_id: str, customer_id: str) -> JsonResponse:
        """The categories and types that the customer has events of."""
        parameters = QueryParameters(request)
        mode = parameters.choice("mode", list(MODES), default="DAILY")
        period = self.asked_period(parameters, MODES[mode].most_months)
        found = events_by_type(self.workspace.id, self.owners(customer_id), period)
        data = [
            {
                "category": EVENT_TYPES[event_type].category,
                "type": event_type,
                "values": _values(series(days, period, mode)),
            }
            for event_type, days in sorted(found.items(), key=_category_and_type)
        ]
        return _answer(_shown(period) | {"mode": mode}, data)


class BuyingBehaviorsView(_CustomerStatsView):
    @extend_schema(parameters=[schema.START, schema.END], responses={200: schema.BEHAVIORS})
    def get(self, request: HttpRequest, workspace_id: str, customer_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        period = self.asked_period(parameters, None)
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
            {"name": "items", "type": "number", "value": plain(bought.items)},
            {"name": "returns", "type": "number", "value": str(bought.returns)},
            {"name": "lastPurchase", "type": "datetime", "value": bought.last_purchase},
        ]  # fmt: skip
        return _answer(_shown(period), data)


def _node_id(request: HttpRequest) -> str | None:
    parameters = QueryParameters(request)
    node_id = parameters.text("nodeId") or None
    parameters.raise_faults()
    return node_id


def _category_and_type(found: tuple[str, Any]) -> tuple[str, str]:
    return EVENT_TYPES[found[0]].category, found[0]


def _figure(
    indicator: Indicator,
    counts: Mapping[indicators.Source, Mapping[date, Decimal]],
    days: Sequence[date],
    currency: str,
) -> dict[str, Any]:
    found = figure(indicator, counts, days, currency=currency)
    answer: dict[str, Any] = {"name": indicator.name, "type": indicator.type}
    if indicator.type == indicators.CURRENCY:
        answer["currency"] = currency

    def shown(value: Decimal) -> str:
        return written(value, indicator.type, currency)

    answer["value"] = None if found.total is None else shown(found.total)
    answer["values"] = [
        {"datetime": day.isoformat(), "value": shown(value)} for day, value in found.by_day.items()
    ]
    return answer


def _values(buckets: Mapping[str, Decimal]) -> list[dict[str, str]]:
    return [{"datetime": label, "value": plain(value)} for label, value in buckets.items()]


def _shown(period: Period) -> dict[str, Any]:
    return {
        "start": period.start,
        "end": period.end,
        "timezone": period.zone.key,
    }


def _answer(parameters: Mapping[str, Any], data: Any) -> JsonResponse:
    return JsonResponse({"parameters": parameters, "data": data})
