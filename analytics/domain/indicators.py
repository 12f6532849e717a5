"""Key performance indicators, computed from counters; docs/analytics.md has the formulas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, localcontext

# Kinds of values.
NUMBER, CURRENCY, PERCENTAGE = "number", "currency", "percentage"
CENTS = {"EUR": 2, "USD": 2, "JPY": 0}
ZERO = Decimal(0)
# Enough digits for sums of the largest and the smallest double.
EXACT = Context(prec=1000)

# The counters of a metric and key, by day.
Source = tuple[str, str]
ByDay = Mapping[date, Decimal]


@dataclass(frozen=True, slots=True)
class Indicator:
    """A figure: the sum of its sources, divided by that of `per` if there is one.

    Visitors and buyers of single days do not add up to those of several days: such a figure has no
    total (`adds_up` is false).
    """

    name: str
    sources: tuple[Source, ...]
    type: str = NUMBER
    per: tuple[Source, ...] = ()
    adds_up: bool = True


@dataclass(frozen=True, slots=True)
class Figure:
    """An indicator's value for a whole period (None if there is none) and for its days."""

    indicator: Indicator
    total: Decimal | None
    by_day: Mapping[date, Decimal]


def purchases(contexts: Sequence[str]) -> list[Indicator]:
    """Return the figures of completed orders in all of the contexts."""

    def of(metric: str) -> tuple[Source, ...]:
        return tuple((metric, context) for context in contexts)

    buyers = contexts[0] if len(contexts) == 1 else "ALL"
    return [
        Indicator("orders", of("orders")),
        Indicator("totalSpending", of("spending"), CURRENCY),
        Indicator("revenue", of("revenue"), CURRENCY),
        Indicator("averageOrderValue", of("spending"), CURRENCY, per=of("orders")),
        Indicator("items", of("items")),
        Indicator("returns", of("returns")),
        Indicator("buyers", (("buyers", buyers),), adds_up=False),
    ]


def _events(event_type: str, context: str) -> tuple[Source, ...]:
    return (("event types", f"{event_type} {context}"),)


ECOMMERCE = [
    Indicator("productViews", _events("viewedProduct", "ECOMMERCE")),
    Indicator("addedToCart", _events("addedProduct", "ECOMMERCE")),
    Indicator("abandonedCarts", _events("abandonedCart", "ECOMMERCE")),
    Indicator("orders", (("orders", "ECOMMERCE"),)),
    Indicator(
        "conversion",
        (("orders", "ECOMMERCE"),),
        PERCENTAGE,
        per=_events("viewedProduct", "ECOMMERCE"),
    ),
]
WEB = [
    Indicator("pageViews", _events("viewedPage", "WEB")),
    Indicator("sessions", (("sessions", ""),), adds_up=False),
    Indicator("visitors", (("visitors", ""),), adds_up=False),
    Indicator("searches", _events("searched", "WEB")),
    Indicator("forms", _events("formCompiled", "WEB")),
    Indicator("logins", _events("loggedIn", "WEB")),
]


def sources_of(indicators: Iterable[Indicator]) -> set[Source]:
    """Return all sources of the indicators."""
    return {source for each in indicators for source in (*each.sources, *each.per)}


def figure(
    indicator: Indicator, counts: Mapping[Source, ByDay], days: Sequence[date], *, currency: str
) -> Figure:
    """Return the indicator on each of the days and for all of them."""
    with localcontext(EXACT):
        return _figure(indicator, counts, days, currency)


def money(amount: Decimal, currency: str) -> str:
    """Return an exact amount with at least the currency's decimals: `19.90`."""
    whole, _, decimals = plain_decimal(amount).partition(".")
    decimals = decimals.ljust(CENTS[currency], "0")
    return f"{whole}.{decimals}" if decimals else whole


def plain_decimal(value: Decimal) -> str:
    """Return a number as text without exponent and trailing zeros: `3`, `0.5`."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"", "-0"} else text


def formatted_value(value: Decimal, kind: str, currency: str) -> str:
    """Return a value in the form of responses."""
    return money(value, currency) if kind == CURRENCY else plain_decimal(value)


def ratio(above: Decimal, below: Decimal, places: int) -> Decimal:
    """Return a quotient with so many decimals, rounded half to even.

    Zero if the divisor is zero.
    """
    if not below:
        return ZERO
    quotient = EXACT.divide(above, below)
    return quotient.quantize(Decimal(1).scaleb(-places), context=EXACT)


def _figure(
    indicator: Indicator, counts: Mapping[Source, ByDay], days: Sequence[date], currency: str
) -> Figure:
    above, below = _added(indicator.sources, counts), _added(indicator.per, counts)
    by_day = {
        day: _value(indicator, above.get(day, ZERO), below.get(day, ZERO), currency) for day in days
    }
    total = None
    if indicator.adds_up:
        total = _value(
            indicator,
            sum((above.get(day, ZERO) for day in days), ZERO),
            sum((below.get(day, ZERO) for day in days), ZERO),
            currency,
        )
    return Figure(indicator, total, by_day)


def _value(indicator: Indicator, above: Decimal, below: Decimal, currency: str) -> Decimal:
    if not indicator.per:
        return above
    if indicator.type == PERCENTAGE:
        return ratio(above * 100, below, 2)
    return ratio(above, below, CENTS[currency])


def _added(sources: Iterable[Source], counts: Mapping[Source, ByDay]) -> dict[date, Decimal]:
    added: dict[date, Decimal] = defaultdict(Decimal)
    for source in sources:
        for day, value in counts.get(source, {}).items():
            added[day] += value
    return added
