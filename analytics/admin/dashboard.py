"""The dashboard: key figures of a period beside those of the period before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from analytics.admin.charts import DailyChart, Series, bars, daily_chart, localized
from analytics.domain.indicators import CENTS
from configuration.domain.vocabulary import CONTEXTS, EVENT_TYPES
from configuration.models import Source
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.site import page
from customers.models import Customer, Webhook
from events.models import Event

PERIODS = {
    "7": gettext_lazy("7 days"),
    "30": gettext_lazy("30 days"),
    "90": gettext_lazy("90 days"),
    "365": gettext_lazy("a year"),
}
CHANNELS = {
    "EMAIL_AND_MOBILE": gettext_lazy("E-mail and mobile"),
    "EMAIL_ONLY": gettext_lazy("E-mail only"),
    "MOBILE_ONLY": gettext_lazy("Mobile only"),
    "NOT_REACHABLE": gettext_lazy("Not reachable"),
}
MOST_TYPES = 12
MOST_NODES = 12  # compared side by side; two statements each


@dataclass(frozen=True, slots=True)
class Days:
    """Days of the workspace's time zone, the first and the last included."""

    first: date
    last: date

    @property
    def query(self) -> dict[str, str]:
        """The parameters of statistics."""
        return {"start": self.first.isoformat(), "end": self.last.isoformat()}

    @property
    def before(self) -> Days:
        """As many days, just before."""
        length = self.last - self.first + timedelta(days=1)
        return Days(self.first - length, self.last - length)


@dataclass(frozen=True, slots=True)
class Tile:
    """A key figure; `change` is that against the period before, in per cent, with its sign."""

    label: str
    value: str
    change: str = ""
    before: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """An entry node in the comparison of nodes."""

    name: str
    customers: str
    new_customers: str
    events: str
    customers_address: str
    new_customers_address: str
    events_address: str


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first steps in a new workspace."""

    label: str
    help: str
    address: str
    is_done: bool


@page("", "dashboard")
def dashboard(office: WorkspaceContext) -> HttpResponseBase:
    """Show customers, channels, events and purchases of a node or all, over a period."""
    parameters = office.request.GET
    length = parameters.get("days", "30")
    length = length if length in PERIODS else "30"
    node = next((each for each in office.nodes if each["id"] == parameters.get("node")), None)
    of_node = {"nodeId": node["id"]} if node else {}
    today = datetime.now(office.zone).date()
    days = Days(today - timedelta(days=int(length) - 1), today)
    steps = first_steps(office)
    return office.show(
        "dashboard",
        gettext("Dashboard"),
        node=node,
        days=length,
        periods=PERIODS.items(),
        given_up=_given_up_webhooks(office),
        steps=[] if all(step.is_done for step in steps) else steps,
        channels=_channels(office, of_node),
        types=_types(office, node, days.query | of_node),
        nodes=[] if node else _node_rows(office, days),
        **_figures(office, node, days),
    )


def _given_up_webhooks(office: WorkspaceContext) -> list[Webhook]:
    """Return webhooks that the person may see and that are paused because they have failed."""
    if not office.may("GET", "/webhooks"):
        return []
    webhooks = Webhook.objects.in_workspace(office.workspace_id).readable_by(office.api.principal)
    return list(webhooks.given_up())


def first_steps(office: WorkspaceContext) -> list[Step]:
    """Return what there is to do until data flows, and which of it is done."""
    workspace = office.workspace_id
    sources = reverse("admin:configuration_source_changelist")
    imports = "add" if office.may("POST", "/nodes/{nodeId}/bulk-jobs") else "changelist"
    return [
        Step(
            gettext("Make a node"),
            gettext(
                "A node holds customers and events, for instance those of a shop or a country."
            ),
            office.url("nodes"),
            bool(office.nodes),
        ),
        Step(
            gettext("Make a source"),
            gettext("A source gives a web site, a shop or a program the token it writes with."),
            sources,
            Source.objects.in_workspace(workspace).exists(),
        ),
        Step(
            gettext("Bring in customers"),
            gettext("Drop a file of them here, or send them through the API."),
            reverse(f"admin:bulkjobs_bulkjob_{imports}"),
            Customer.objects.in_workspace(workspace).exists(),
        ),
        Step(
            gettext("Send a first event"),
            gettext("Events tell what customers do: pages they view, orders, visits."),
            office.url("events") if office.offers["events"] else "",
            Event.objects.in_workspace(workspace).exists(),
        ),
    ]


def _channels(office: WorkspaceContext, of_node: dict[str, str]) -> Any:
    channels = office.get("/stats/customers/channels", of_node)["data"]
    return bars([(str(CHANNELS[name]), value, "") for name, value in channels.items()])


def _types(office: WorkspaceContext, node: dict[str, Any] | None, query: dict[str, str]) -> Any:
    """Return bars of the most frequent types of events; in one node they lead to its list."""
    found = office.get("/stats/events/types", query)["data"][:MOST_TYPES]

    def address(each: dict[str, str]) -> str:
        if node is None or not office.offers["events"]:
            return ""
        of_type = {"type": each["type"], "context": each["context"]}
        return office.url("events", {"node": node["id"], **of_type})

    return bars([(_event_label(each), each["value"], address(each)) for each in found])


def _event_label(each: dict[str, str]) -> str:
    known = EVENT_TYPES.get(each["type"])
    label = gettext(known.label) if known else each["type"]
    return f"{label} · {gettext(CONTEXTS[each['context']]['label'])}"


def _node_rows(office: WorkspaceContext, days: Days) -> list[NodeRow]:
    """Return the entry nodes side by side; none if there is but one."""
    nodes = [each for each in office.nodes if each["type"] != "AGGREGATE"][:MOST_NODES]
    if len(nodes) < 2:
        return []
    rows = []
    for node in nodes:
        of_node = {"nodeId": node["id"]}
        added = days.query | of_node | {"type": "ADDED"}
        customers = office.get("/stats/customers", of_node)["data"]["customers"]
        new = office.get("/stats/customers/updates", added)["data"]
        events = office.get("/stats/events/updates", added)["data"]
        rows.append(
            NodeRow(
                node["name"],
                localized(int(customers)),
                localized(_sum(new)),
                localized(_sum(events)),
                office.url("customers", {"node": node["id"]}),
                _new_customers(office, node, days),
                office.url("events", {"node": node["id"]}) if office.offers["events"] else "",
            )
        )
    return rows


def _new_customers(office: WorkspaceContext, node: dict[str, Any], days: Days) -> str:
    """Return the address of the list of customers registered in the period."""
    rule = {"property": "registeredAt", "operator": "GTE", "value": days.first.isoformat()}
    rules = json.dumps({"match": "all", "rules": [rule]})
    return office.url("customers", {"node": node["id"], "rules": rules})


def _figures(
    office: WorkspaceContext, node: dict[str, Any] | None, days: Days
) -> dict[str, list[Tile] | list[DailyChart]]:
    """Return the tiles and charts of a period's customers, events and purchases."""
    of_node = {"nodeId": node["id"]} if node else {}
    now = _period(office, days.query | of_node)
    was = _period(office, days.before.query | of_node)
    total = office.get("/stats/customers", of_node)["data"]["customers"]
    only = node or (office.nodes[0] if len(office.nodes) == 1 else None)
    customers = office.url("customers", {"node": only["id"]}) if only else ""
    new = _new_customers(office, only, days) if only else ""

    def chart(title: str, name: str, amount: str | None = None) -> DailyChart:
        series, before = now.series[name], was.series[name]
        total_text = localized(_sum(series)) if amount is None else amount
        return daily_chart(title, series, before, total=total_text, is_current=True)

    return {
        "tiles": [
            Tile(gettext("Customers now"), localized(int(total)), address=customers),
            _tile(gettext("New customers"), now, was, "customers", address=new),
            _tile(gettext("Orders"), now, was, "orders"),
            _tile(gettext("Spending"), now, was, "totalSpending"),
            _tile(gettext("Average order"), now, was, "averageOrderValue"),
            _tile(gettext("Page views"), now, was, "pageViews"),
            _tile(gettext("Conversion"), now, was, "conversion"),
        ],
        "charts": [
            chart(gettext("New customers"), "customers"),
            chart(gettext("Events taken in"), "events"),
            chart(gettext("Spending"), "totalSpending", _text(now, "totalSpending")),
            chart(gettext("Orders"), "orders"),
            chart(gettext("Page views"), "pageViews"),
            chart(gettext("Visitors a day"), "visitors", ""),
        ],
    }


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """Of each figure by name: its total, its unit ("", "%" or a currency), and its days."""

    totals: dict[str, Decimal | None]
    units: dict[str, str]
    series: dict[str, Series]


def _period(office: WorkspaceContext, query: dict[str, str]) -> PeriodFigures:
    figures = PeriodFigures({}, {}, {})
    for kind in ("customers", "events"):
        series = office.get(f"/stats/{kind}/updates", query | {"type": "ADDED"})["data"]
        figures.series[kind], figures.totals[kind] = series, _sum(series)
        figures.units[kind] = ""
    for group in ("purchases", "ecommerce", "web"):
        for each in office.get(f"/stats/events/kpi/{group}", query)["data"]:
            name, value = each["name"], each["value"]
            figures.series[name] = each["values"]
            figures.totals[name] = None if value is None else Decimal(value)
            figures.units[name] = each.get("currency", "%" if each["type"] == "percentage" else "")
    return figures


def _tile(
    label: str, now: PeriodFigures, was: PeriodFigures, name: str, *, address: str = ""
) -> Tile:
    value, before = now.totals[name], was.totals[name]
    change = ""
    if value is not None and before:
        change = f"{(value - before) / before * 100:+,.0f} %"
    return Tile(label, _text(now, name), change, _text(was, name) if before else "", address)


def _text(figures: PeriodFigures, name: str) -> str:
    """Return a figure's total with its unit, "-" if there is none."""
    value, unit = figures.totals[name], figures.units[name]
    if value is None:
        return "-"
    return f"{localized(value, CENTS.get(unit))} {unit}".strip()


def _sum(series: Sequence[dict[str, str]]) -> Decimal:
    return sum((Decimal(each["value"]) for each in series), Decimal(0))
