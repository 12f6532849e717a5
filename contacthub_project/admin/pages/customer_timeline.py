"""The time line of a customer: events by day, the newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.formats import date_format
from django.utils.translation import gettext

from configuration.domain.vocabulary import CONTEXTS, EVENT_TYPES
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.pages.customer_orders import money
from contacthub_project.admin.site import page
from customers.domain.paths import value_at

EVENTS_AT_A_TIME = 20
# Symbols of the theme's font, by category of events.
ICONS = {
    "campaign": "mail",
    "commerce": "shopping_cart",
    "web": "language",
    "attendance": "event",
    "service": "card_membership",
    "loyalty": "redeem",
    "contactCenter": "support_agent",
    "generic": "bolt",
}
# What a line says of an event: the first properties of these that it has, without their labels.
DETAIL_PATHS = (
    "orderId", "name", "title", "campaignName", "campaignSubject", "eventName", "serviceName",
    "surveyName", "formName", "subject", "keyword", "code", "rewardDescription", "setting",
    "listName", "category.name", "path", "url", "linkUrl", "sku", "id",
)  # fmt: skip
MOST_DETAILS = 2
LONGEST = 120


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """A line of the time line; `time` is the workspace's, `amount` of orders and carts."""

    id: str
    label: str
    icon: str
    context: str
    time: str
    details: str
    amount: str


@page("customers/<uuid:customer_id>/events/", "customer-events")
def customer_events(office: WorkspaceContext, customer_id: Any) -> HttpResponseBase:
    """Show one page of the time line.

    `after` is the last day of the page before: its heading is not repeated.
    """
    parameters, number = office.request.GET, office.page_number
    query = {"customerId": str(customer_id), "size": EVENTS_AT_A_TIME, "page": number}
    if parameters.get("type"):
        query["type"] = parameters["type"]
    found = office.get("/events", query)["elements"]
    days = _by_day(office, found)
    last = days[-1][0].isoformat() if days else ""
    return office.show(
        "timeline",
        gettext("Events"),
        days=[
            ("" if day.isoformat() == parameters.get("after") else _day_name(day, office), events)
            for day, events in days
        ],
        following=number + 1 if len(found) == EVENTS_AT_A_TIME else None,
        type=parameters.get("type", ""),
        customer_id=customer_id,
        number=number,
        last=last,
    )


def event_label(event_type: str) -> str:
    """Return the name of a type of events, as people read it."""
    known = EVENT_TYPES.get(event_type)
    return gettext(known.label) if known else event_type


def _by_day(
    office: WorkspaceContext, events: list[dict[str, Any]]
) -> list[tuple[date, list[TimelineEvent]]]:
    days: dict[date, list[TimelineEvent]] = {}
    for each in events:
        moment = datetime.fromisoformat(each["date"]).astimezone(office.zone)
        days.setdefault(moment.date(), []).append(_line(each, f"{moment:%H:%M}"))
    return list(days.items())


def _line(event: Mapping[str, Any], time: str) -> TimelineEvent:
    known = EVENT_TYPES.get(event["type"])
    properties = event["properties"] or {}
    return TimelineEvent(
        event["id"],
        event_label(event["type"]),
        ICONS.get(known.category if known else "", "bolt"),
        gettext(CONTEXTS[event["context"]]["label"].removesuffix(" event")),
        time,
        _details(properties),
        _amount(properties),
    )


def _details(properties: Mapping[str, Any]) -> str:
    texts = [str(value) for path in DETAIL_PATHS if (value := value_at(properties, path))]
    text = " · ".join(dict.fromkeys(texts[:MOST_DETAILS]))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _amount(properties: Mapping[str, Any]) -> str:
    total = value_at(properties, "amount.total")
    currency = value_at(properties, "amount.local.currency") or ""
    if not isinstance(total, int | float):
        return ""
    return money(Decimal(str(total)), currency)


def _day_name(day: date, office: WorkspaceContext) -> str:
    today = datetime.now(office.zone).date()
    if day == today:
        return gettext("Today")
    if day == today - timedelta(days=1):
        return gettext("Yesterday")
    return date_format(day, "l, j F Y")
