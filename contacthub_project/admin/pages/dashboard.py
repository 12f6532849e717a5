"""The dashboard, with figures of analytics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http.response import HttpResponseBase

from contacthub_project.admin.plots import bars, line
from contacthub_project.admin.site import WorkspaceContext, page

PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year"}
CHANNELS = {
    "EMAIL_AND_MOBILE": "E-mail and mobile",
    "EMAIL_ONLY": "E-mail only",
    "MOBILE_ONLY": "Mobile only",
    "NOT_REACHABLE": "Not reachable",
}
MOST_TYPES = 12


@page("", "dashboard")
def dashboard(office: WorkspaceContext) -> HttpResponseBase:
    """Show customers, channels, events and purchases of a node or all, over a period."""
    asked = office.request.GET
    days = asked.get("days", "30")
    days = days if days in PERIODS else "30"
    node = next((each for each in office.nodes if each["id"] == asked.get("node")), None)
    end = datetime.now(UTC)
    period: dict[str, str] = {
        "start": (end - timedelta(days=int(days) - 1)).isoformat(),
        "end": end.isoformat(),
    }
    chosen = {"nodeId": node["id"]} if node else {}
    wanted = period | chosen
    figures = {
        name: {
            each["name"]: each for each in office.get(f"/stats/events/kpi/{name}", wanted)["data"]
        }
        for name in ("purchases", "ecommerce", "web")
    }
    added = office.get("/stats/customers/updates", wanted | {"type": "ADDED"})["data"]
    channels = office.get("/stats/customers/channels", chosen)["data"]
    types = office.get("/stats/events/types", wanted)["data"]
    events_added = office.get("/stats/events/updates", wanted | {"type": "ADDED"})["data"]
    purchases, web = figures["purchases"], figures["web"]
    return office.show(
        "dashboard",
        "Dashboard",
        node=node,
        days=days,
        periods=PERIODS.items(),
        customers=office.get("/stats/customers", chosen)["data"]["customers"],
        tiles=[
            ("New customers", str(sum(int(each["value"]) for each in added))),
            ("Orders", purchases["orders"]["value"]),
            ("Spending", _money(purchases["totalSpending"])),
            ("Average order", _money(purchases["averageOrderValue"])),
            ("Page views", web["pageViews"]["value"]),
            ("Conversion", f"{figures['ecommerce']['conversion']['value']} %"),
        ],
        plots=[
            line("New customers", added),
            line("Events taken in", events_added),
            line(
                "Spending",
                purchases["totalSpending"]["values"],
                total=_money(purchases["totalSpending"]),
            ),
            line("Orders", purchases["orders"]["values"]),
            line("Page views", web["pageViews"]["values"]),
            line("Visitors a day", web["visitors"]["values"], total=""),
        ],
        channels=bars([(CHANNELS[name], value) for name, value in channels.items()]),
        types=bars(
            [(f"{each['type']} · {each['context']}", each["value"]) for each in types[:MOST_TYPES]]
        ),
    )


def _money(figure: dict[str, Any]) -> str:
    return f"{figure['value']} {figure['currency']}"
