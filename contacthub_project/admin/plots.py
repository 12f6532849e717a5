"""Geometry of SVG plots, which templates draw without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

WIDTH, HEIGHT = 600, 140


@dataclass(frozen=True, slots=True)
class Line:
    """A curve: points of a polyline, and its labels."""

    title: str
    points: str
    area: str
    first: str
    last: str
    highest: str
    total: str
    marks: tuple[tuple[str, str, str, str], ...]  # x, y, label, value


def line(title: str, series: Sequence[dict[str, str]], *, total: str | None = None) -> Line:
    """Return the curve of daily `{"datetime", "value"}`."""
    values = [Decimal(each["value"]) for each in series]
    top = max([*values, Decimal(1)])
    bottom = min([*values, Decimal(0)])
    step = WIDTH / max(len(values) - 1, 1)
    marks = tuple(
        (
            f"{index * step:.1f}",
            f"{HEIGHT - float((value - bottom) / (top - bottom)) * HEIGHT:.1f}",
            each["datetime"],
            each["value"],
        )
        for index, (value, each) in enumerate(zip(values, series, strict=True))
    )
    points = " ".join(f"{x},{y}" for x, y, _, _ in marks)
    return Line(
        title=title,
        points=points,
        area=f"0,{HEIGHT} {points} {WIDTH},{HEIGHT}",
        first=series[0]["datetime"] if series else "",
        last=series[-1]["datetime"] if series else "",
        highest=str(top),
        total=total if total is not None else str(sum(values)),
        marks=marks,
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar; its length is in per cent of the longest."""

    label: str
    value: str
    percent: int


def bars(values: Sequence[tuple[str, str]]) -> list[Bar]:
    """Return bars of labelled values, in order."""
    longest = max([Decimal(value) for _, value in values], default=Decimal(0)) or Decimal(1)
    return [Bar(label, value, round(Decimal(value) / longest * 100)) for label, value in values]
