"""A customer's orders: figures, a plot of spending by month, and the last orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy

from analytics.admin.charts import BarChart, bar_chart, localized
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.time_zone import local_time

MONTHS = 12
MOST_READ = 100  # of the API's page: those that the plot is made of
SHOWN = 5
MOST_PRODUCTS = 3
LABELS = {
    "totalSpending": gettext_lazy("Spent"),
    "orders": gettext_lazy("Orders"),
    "averageOrderValue": gettext_lazy("Average order"),
    "items": gettext_lazy("Items"),
    "returns": gettext_lazy("Returns"),
    "lastPurchase": gettext_lazy("Last order"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """An order, or a return, of which the amount is negative."""

    id: str
    number: str
    date: str
    amount: str
    products: str
    is_return: bool


@dataclass(frozen=True, slots=True)
class Orders:
    """What a customer bought in the last year; `plot` is None without any order."""

    figures: list[tuple[str, str]]
    latest: list[Order]
    plot: BarChart | None


def orders_of(office: WorkspaceContext, customer_id: Any) -> Orders | None:
    """Return a customer's orders, None if there are none or the person may not read them."""
    path = f"{office.path}/customers/{customer_id}/stats/buying-behaviors"
    behaviour = office.api.get(path)
    months = list(_last_months(datetime.now(office.zone).date()))
    query = {
        "customerId": str(customer_id),
        "type": "completedOrder",
        "dateFrom": months[0].isoformat(),
        "size": MOST_READ,
    }
    found = office.api.get(f"{office.path}/events", query)
    if not found.is_good or not found.json["elements"]:
        return None
    events = found.json["elements"]
    figures = behaviour.json["data"] if behaviour.is_good else []
    currency = next((each["currency"] for each in figures if "currency" in each), "")
    return Orders(
        [(str(LABELS[each["name"]]), _figure(each, office)) for each in figures],
        [_order(each, currency, office) for each in events[:SHOWN]],
        _plot(events, months, currency, office) if len(events) < MOST_READ else None,
    )


def _last_months(today: date) -> Iterator[date]:
    """Yield the first days of this month and those before, the oldest first."""
    for back in range(MONTHS - 1, -1, -1):
        years, month = divmod(today.year * 12 + today.month - 1 - back, 12)
        yield date(years, month + 1, 1)


def _plot(
    events: list[dict[str, Any]], months: list[date], currency: str, office: WorkspaceContext
) -> BarChart:
    spent = dict.fromkeys(months, Decimal(0))
    for each in events:
        day = datetime.fromisoformat(each["date"]).astimezone(office.zone).date().replace(day=1)
        if day in spent:
            spent[day] += _amount(each["properties"])
    labels = [date_format(month, "M Y") for month in months]
    return bar_chart(
        gettext("Spending in {currency}").format(currency=currency),
        labels,
        list(spent.values()),
        decimals=2,
    )


def _order(event: dict[str, Any], currency: str, office: WorkspaceContext) -> Order:
    properties = event["properties"]
    lines = properties.get("products") or []
    names = [_product(each) for each in lines[:MOST_PRODUCTS]]
    more = len(lines) - MOST_PRODUCTS
    if more > 0:
        names.append(gettext("{more} more").format(more=more))
    return Order(
        event["id"],
        properties.get("orderId") or "",
        local_time(event["date"], office.zone),
        money(_amount(properties), currency),
        ", ".join(names),
        properties.get("type") == "return",
    )


def _product(line: Mapping[str, Any]) -> str:
    name = str(line.get("name") or line.get("sku") or line.get("id") or gettext("a product"))
    number = line.get("quantity")
    return f"{number:g} x {name}" if isinstance(number, int | float) and number != 1 else name


def _amount(properties: Mapping[str, Any]) -> Decimal:
    """Return what an order adds to spending, as the statistics count it."""
    total = (properties.get("amount") or {}).get("total")
    amount = Decimal(str(total)) if isinstance(total, int | float) else Decimal(0)
    return -abs(amount) if properties.get("type") == "return" else amount


def money(amount: Decimal, currency: str) -> str:
    """Return an amount as people write it."""
    return f"{localized(amount, 2)} {currency}".strip()


def _figure(each: Mapping[str, Any], office: WorkspaceContext) -> str:
    value = each["value"]
    if value is None:
        return "-"
    if each["type"] == "currency":
        return money(Decimal(value), each["currency"])
    if each["type"] == "datetime":
        return local_time(value, office.zone)
    return localized(Decimal(value))
