"""Reading the counters: what is folded and what is not, in one snapshot."""

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
from analytics.queries.measures import CHANGED_HEADS, FACTS, VISITS
from contacthub_project.db.sql import fetch_one

ATTEMPTS = 3
PeriodIn = Callable[[ZoneInfo], Period]

ZONE = """
SELECT coalesce(
    (SELECT time_zone FROM analytics_ledger WHERE workspace_id = %(workspace_id)s),
    (SELECT timezone FROM configuration_workspace WHERE id = %(workspace_id)s)
)
"""

_ASKED = """
workspace_id = %(workspace_id)s AND node_id = ANY (%(nodes)s::uuid[])
AND metric = ANY (%(metrics)s::text[]) AND day BETWEEN %(first)s AND %(last)s
"""
# `late` is what is not folded yet: usually the work of a few seconds.
_LATE = f"""
WITH ledger AS (SELECT ({ZONE}) AS time_zone),
waiting AS MATERIALIZED (
    SELECT * FROM analytics_delta
    WHERE workspace_id = %(workspace_id)s AND node_id = ANY (%(nodes)s::uuid[])
),
visit AS ({VISITS.format(deltas="waiting", ledger="ledger")}),
late AS (
    SELECT node_id, metric, key, day, value
    FROM ({FACTS.format(deltas="waiting", ledger="ledger")}) AS fact
    WHERE metric = ANY (%(metrics)s::text[]) AND day BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT node_id, metric, key, day, value FROM ({CHANGED_HEADS}) AS head
    WHERE metric = ANY (%(metrics)s::text[]) AND day BETWEEN %(first)s AND %(last)s
)
"""
# A metric and key at a time with all its days: a tenth of what a row for each day costs.
BY_DAY = f"""
{_LATE}
SELECT (SELECT time_zone FROM ledger), (
    SELECT json_agg(json_build_array(metric, key, days, amounts))::text
    FROM (
        SELECT metric, key, array_agg(day - %(first)s::date) AS days,
               array_agg(value::text) AS amounts
        FROM analytics_counter WHERE {_ASKED}
        GROUP BY node_id, metric, key
        UNION ALL
        SELECT metric, key, array_agg(day - %(first)s::date), array_agg(value::text)
        FROM late GROUP BY node_id, metric, key
    ) AS added
)
"""
SUMS = f"""
{_LATE}
SELECT (SELECT time_zone FROM ledger), (
    SELECT json_agg(json_build_array(node_id, key, total::text))::text
    FROM (
        SELECT node_id, key, sum(value) AS total
        FROM (
            SELECT node_id, key, value FROM analytics_counter WHERE {_ASKED}
            UNION ALL SELECT node_id, key, value FROM late
        ) AS both_kinds
        GROUP BY node_id, key HAVING sum(value) <> 0
    ) AS added
)
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted of a workspace in some of its nodes."""

    workspace_id: UUID
    nodes: Collection[UUID]

    def by_day(
        self, metrics: Iterable[str], period_in: PeriodIn
    ) -> tuple[Period, dict[Source, dict[date, Decimal]]]:
        """By metric and key, the value of each day that has one; and the days that were read.

        `period_in` says which days those are in the time zone by which the workspace's are counted.
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
        """By key, the value of the whole period; and the days that were read."""
        period, rows = self._read(SUMS, [metric], period_in)
        sums: dict[str, Decimal] = defaultdict(Decimal)
        with localcontext(EXACT):
            for _, key, total in rows:
                sums[key] += Decimal(total)
        return period, sums

    def ever(self, metric: str) -> dict[str, int]:
        """By key, what there is of a metric that no days are counted of."""
        return {key: int(value) for key, value in self.by_key(metric, _ever)[1].items()}

    def ever_by_node(self, metric: str) -> Mapping[UUID, int]:
        """By node, what there is of a metric that no days are counted of."""
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
            zone = counted_in  # it was changed just now
        return period, orjson.loads(rows or "[]")


def _ever(zone: ZoneInfo) -> Period:
    return Period(EVER, EVER, zone)
