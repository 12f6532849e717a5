"""Reading the counters: what is folded and what is not, in one snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from analytics.domain.indicators import Source
from analytics.domain.periods import Period
from analytics.facts import FACTS, VISITS
from analytics.models.counter import EVER
from contacthub_project.sql import fetch_one

ATTEMPTS = 3

ZONE = """
SELECT coalesce(
    (SELECT time_zone FROM analytics_ledger WHERE workspace_id = %(workspace_id)s),
    (SELECT timezone FROM configuration_workspace WHERE id = %(workspace_id)s)
)
"""
READ = f"""
WITH ledger AS (SELECT ({ZONE}) AS time_zone),
waiting AS MATERIALIZED (
    SELECT * FROM analytics_delta
    WHERE workspace_id = %(workspace_id)s AND node_id = ANY (%(nodes)s::uuid[])
),
visit AS ({VISITS.format(deltas="waiting", ledger="ledger")}),
counted AS (
    SELECT node_id, metric, key, day, value FROM analytics_counter
    WHERE workspace_id = %(workspace_id)s AND node_id = ANY (%(nodes)s::uuid[])
      AND metric = ANY (%(metrics)s::text[]) AND day BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT node_id, metric, key, day, value
    FROM ({FACTS.format(deltas="waiting", ledger="ledger")}) AS fact
    WHERE metric = ANY (%(metrics)s::text[]) AND day BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT visit.node_id, visit.metric, visit.key, visit.day,
           (coalesce(presence.times, 0) + visit.times > 0)::int
           - (coalesce(presence.times, 0) > 0)::int
    FROM visit LEFT JOIN analytics_presence AS presence
        ON presence.workspace_id = visit.workspace_id AND presence.node_id = visit.node_id
        AND presence.kind = visit.metric || ' ' || visit.key
        AND presence.day = visit.day AND presence.member = visit.member
    WHERE visit.metric = ANY (%(metrics)s::text[])
      AND visit.day BETWEEN %(first)s AND %(last)s
)
SELECT (SELECT time_zone FROM ledger), (
    SELECT json_agg(json_build_array({{columns}}, total::text))::text
    FROM (
        SELECT {{columns}}, sum(value) AS total FROM counted
        GROUP BY {{columns}} HAVING sum(value) <> 0
    ) AS added
)
"""
READ_BY_DAY = READ.format(columns="metric, key, day")
READ_BY_NODE = READ.format(columns="node_id, key")


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted of a workspace in some of its nodes."""

    workspace_id: UUID
    nodes: Collection[UUID]

    def of_period(
        self, metrics: Iterable[str], period_in: Callable[[ZoneInfo], Period]
    ) -> tuple[Period, dict[Source, dict[date, Decimal]]]:
        """By metric and key, the value of each day that has one; and the days that were read.

        `period_in` says which days those are in the time zone by which the workspace's are counted.
        """
        wanted = list(metrics)
        zone: str = fetch_one(ZONE, {"workspace_id": self.workspace_id})[0]
        for _ in range(ATTEMPTS):
            period = period_in(ZoneInfo(zone))
            counted_in, rows = self._read(READ_BY_DAY, wanted, period.first, period.last)
            if counted_in == zone:
                break
            zone = counted_in  # it was changed just now
        counts: dict[Source, dict[date, Decimal]] = defaultdict(dict)
        for metric, key, day, value in rows:
            counts[metric, key][date.fromisoformat(day)] = Decimal(value)
        return period, counts

    def ever(self, metric: str) -> dict[str, int]:
        """By key, what there is of a metric that no days are counted of."""
        rows = self._read(READ_BY_DAY, [metric], EVER, EVER)[1]
        return {key: int(value) for _, key, _, value in rows}

    def ever_by_node(self, metric: str) -> Mapping[UUID, int]:
        """By node, what there is of a metric that no days are counted of."""
        totals: dict[UUID, int] = defaultdict(int)
        for node_id, _, value in self._read(READ_BY_NODE, [metric], EVER, EVER)[1]:
            totals[UUID(node_id)] += int(value)
        return totals

    def _read(
        self, statement: str, metrics: Iterable[str], first: date, last: date
    ) -> tuple[str, list[list[str]]]:
        parameters = {
            "workspace_id": self.workspace_id,
            "nodes": list(self.nodes),
            "metrics": list(metrics),
            "first": first,
            "last": last,
        }
        zone, rows = fetch_one(statement, parameters, prepare=False)
        return zone, orjson.loads(rows or "[]")
