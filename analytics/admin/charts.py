"""Charts of pages: data for the theme's Chart.js, and bars that templates draw without scripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from django.utils.formats import date_format, number_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext as _

Series = Sequence[dict[str, str]]  # of days: {"datetime": "2026-11-26", "value": "12"}

ROW = '<tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>'
# Options replace the theme's as a whole. They are JSON: the page's policy allows no scripts in it.
GREY = "#9ca3af"
OPTIONS = json.dumps(
    {
        "animation": False,
        "responsive": True,
        "maintainAspectRatio": False,
        "locale": "en",
        "interaction": {"mode": "index", "intersect": False},
        "plugins": {"legend": {"display": False}},
        "scales": {
            "x": {
                "border": {"width": 0},
                "grid": {"display": False},
                "ticks": {"color": GREY, "maxTicksLimit": 6, "maxRotation": 0},
            },
            "y": {
                "beginAtZero": True,
                "border": {"width": 0},
                "grid": {"tickWidth": 0},
                "ticks": {"color": GREY, "maxTicksLimit": 5, "precision": 0},
            },
        },
    }
)


@dataclass(frozen=True, slots=True)
class DailyChart:
    """A figure day by day, over the days of the period before.

    `data` is Chart.js's, as JSON; `rows` are the same values for a table: day, value, value of the
    day in the period before.
    """

    title: str
    total: str
    description: str
    data: str
    rows: tuple[tuple[str, str, str], ...]
    options: str = OPTIONS

    @property
    def table_rows(self) -> SafeString:
        """The rows of the table, the latest first; a year has too many for the template's loop."""
        return format_html_join("", ROW, reversed(self.rows))


def daily_chart(
    title: str, series: Series, before: Series, *, total: str, is_current: bool
) -> DailyChart:
    """Return the chart of a series; the last day of a current one is not over, and dashed."""
    days = [_day(each["datetime"], get_language()) for each in series]
    values = [Decimal(each["value"]) for each in series]
    earlier = [Decimal(each["value"]) for each in before][-len(values) :]
    earlier = [Decimal(0)] * (len(values) - len(earlier)) + earlier
    whole: list[Decimal | None] = [*values]
    datasets = [
        _dataset(gettext("Before"), earlier, "var(--color-base-400)", borderWidth=1, order=3),
        _dataset(title, whole, "var(--color-primary-500)", order=1),
    ]
    if is_current and len(values) > 1:
        whole[-1] = None
        unfinished = [None] * (len(values) - 2) + values[-2:]
        datasets[1] = _dataset(title, whole, "var(--color-primary-500)", order=1)
        datasets.append(
            _dataset(
                gettext("Today"), unfinished, "var(--color-primary-500)", borderDash=[4, 4], order=2
            )
        )
    highest = localized(max(values, default=Decimal(0)))
    span = gettext(" from {days} to {days2}").format(days=days[0], days2=days[-1]) if days else ""
    return DailyChart(
        title=title,
        total=total,
        description=gettext("{title}{span}, at most {highest} a day").format(
            title=title, span=span, highest=highest
        ),
        data=json.dumps({"labels": [day[:-5] for day in days], "datasets": datasets}),
        rows=tuple(
            (day, localized(value), localized(was))
            for day, value, was in zip(days, values, earlier, strict=True)
        ),
    )


@dataclass(frozen=True, slots=True)
class BarChart:
    """Columns side by side, for Chart.js; `rows` are the same values for a table."""

    title: str
    data: str
    rows: tuple[tuple[str, str], ...]
    options: str = OPTIONS

    @property
    def description(self) -> str:
        """The chart in words, for those who do not see it."""
        return f"{self.title}: " + ", ".join(f"{label} {value}" for label, value in self.rows)


def bar_chart(
    title: str, labels: Sequence[str], values: Sequence[Decimal], *, decimals: int | None = None
) -> BarChart:
    """Return a chart with a column for each label; its table has so many decimals."""
    points = [float(value) for value in values]
    column = {"label": title, "data": points, "backgroundColor": "var(--color-primary-500)"}
    return BarChart(
        title,
        json.dumps({"labels": list(labels), "datasets": [column]}),
        tuple(
            (label, localized(value, decimals)) for label, value in zip(labels, values, strict=True)
        ),
    )


@dataclass(frozen=True, slots=True)
class HistoryChart:
    """A figure over the last hours, for Chart.js; `rows` are the same values for a table."""

    title: str
    now: str
    description: str
    data: str
    rows: tuple[tuple[str, str], ...]
    options: str = OPTIONS


def history_chart(
    title: str, points: Sequence[tuple[datetime, int]], *, unit: str = ""
) -> HistoryChart:
    """Return the chart of a figure at moments, the last of which is now."""
    values = [Decimal(value) for _moment, value in points]
    labels = [date_format(localtime(moment), "j M H:i") for moment, _ in points]
    texts = [f"{localized(value)} {unit}".strip() for value in values]
    latest = texts[-1] if texts else "-"
    highest = f"{localized(max(values, default=Decimal(0)))} {unit}".strip()
    line = _dataset(title, values, "var(--color-primary-500)")
    return HistoryChart(
        title=title,
        now=latest,
        description=_("%(title)s: now %(now)s, at most %(most)s")
        % {"title": title, "now": latest, "most": highest},
        data=json.dumps({"labels": labels, "datasets": [line]}),
        rows=tuple(zip(labels, texts, strict=True)),
    )


def _dataset(
    label: str, values: Sequence[Decimal | None], color: str, **more: object
) -> dict[str, object]:
    """Return a line of Chart.js; missing values leave a gap, a single value is a point."""
    points = [None if value is None else float(value) for value in values]
    radius = 4 if len(points) == 1 else 0
    line = {"borderWidth": 2, "pointRadius": radius, "pointHitRadius": 8, "tension": 0}
    return {"label": label, "data": points, "borderColor": color, **line, **more}


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar; its length is in per cent of the longest. With an address it leads to a list."""

    label: str
    value: str
    percent: int
    address: str = ""


def bars(values: Sequence[tuple[str, str, str]]) -> list[Bar]:
    """Return bars of labels, values and addresses (or ""), in order."""
    longest = max(
        (Decimal(value) for _label, value, _address in values), default=Decimal(0)
    ) or Decimal(1)
    return [
        Bar(label, localized(Decimal(value)), round(Decimal(value) / longest * 100), address)
        for label, value, address in values
    ]


def localized(value: Decimal | int, decimals: int | None = None) -> str:
    """Return a number as people write it, with separators of thousands."""
    return _localized(str(value), decimals, get_language())


# Charts of a year have the same days and, mostly, the same few numbers: each is written once.
@lru_cache(maxsize=10_000)
def _localized(number: str, decimals: int | None, _language: str) -> str:
    return number_format(Decimal(number), decimals, force_grouping=True)


@lru_cache(maxsize=10_000)
def _day(day: str, _language: str) -> str:
    return date_format(date.fromisoformat(day), "j M Y")
