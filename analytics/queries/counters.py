"""Reads counters and deltas, folded and unfolded, in one snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from analytics.domain.indicators import EXACT, ZERO, Source
from analytics.domain.periods import DAY, EVER, Period
from contacthub_project.db.sql import fetch_one, load

ATTEMPTS = 3
PeriodIn = Callable[[ZoneInfo], Period]

ZONE = load("analytics/sql/time_zone")
BY_DAY = load("analytics/sql/counts_by_day")
SUMS = load("analytics/sql/sums_by_key")


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of some nodes of a workspace."""

    workspace_id: UUID
    nodes: Collection[UUID]

    def by_day(
        self, metrics: Iterable[str], period_in: PeriodIn
    ) -> tuple[Period, dict[Source, dict[date, Decimal]]]:
        """Return values by metric and key and by day, and the days that were read.

        `period_in` returns the period by the time zone of the workspace's counters.
        """
        period, rows = self._read(BY_DAY, metrics, period_in)
        counts: dict[Source, dict[date, Decimal]] = defaultdict(dict)
        with localcontext(EXACT):
            for metric, key, days, amounts in rows:
                of_source = counts[metric, key]
                for number, amount in zip(days, amounts, strict=True):
                    day = period.first + DAY * number
                    of_source[day] = of_source.get(day, ZERO) + Decimal(amount)
        return period, counts

    def by_key(self, metric: str, period_in: PeriodIn) -> tuple[Period, dict[str, Decimal]]:
        """Return the value of the whole period by key, and the days that were read."""
        period, rows = self._read(SUMS, [metric], period_in)
        sums: dict[str, Decimal] = defaultdict(Decimal)
        with localcontext(EXACT):
            for _, key, total in rows:
                sums[key] += Decimal(total)
        return period, sums

    def ever(self, metric: str) -> dict[str, int]:
        """Return the value by key of a metric that is not kept by day."""
        return {key: int(value) for key, value in self.by_key(metric, _ever)[1].items()}

    def ever_by_node(self, metric: str) -> Mapping[UUID, int]:
        """Return the value by node of a metric that is not kept by day."""
        totals: dict[UUID, int] = defaultdict(int)
        for node_id, _, total in self._read(SUMS, [metric], _ever)[1]:
            totals[UUID(node_id)] += int(total)
        return totals

    def _read(
        self, statement: str, metrics: Iterable[str], period_in: PeriodIn
    ) -> tuple[Period, list[list[Any]]]:
        parameters = {
            "workspace_id": self.workspace_id,
            "nodes": list(self.nodes),
            "metrics": list(metrics),
        }
        (zone,) = fetch_one(ZONE, {"workspace_id": self.workspace_id})
        for _ in range(ATTEMPTS):
            period = period_in(ZoneInfo(zone))
            days = {"first": period.first, "last": period.last}
            counted_in, rows = fetch_one(statement, parameters | days)
            if counted_in == zone:
                break
            zone = counted_in  # it has been changed meanwhile
        return period, orjson.loads(rows or "[]")


def _ever(zone: ZoneInfo) -> Period:
    return Period(EVER, EVER, zone)
