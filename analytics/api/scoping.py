"""The base of view sets of analytics, and the form of their responses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from analytics.domain.indicators import plain_decimal
from analytics.domain.periods import Period, period_of
from analytics.queries.counters import Counts
from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.models import NodeType, Workspace
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.core.principal import READ

PeriodIn = Callable[[ZoneInfo], Period]


class StatsViewSet(WorkspaceScopedViewSet):
    """Counts what the caller may read."""

    def counts(self, node_id: str | None) -> Counts:
        """Return the counts of one node, or of all entry nodes that the caller may read.

        Raises NotFound, Forbidden.
        """
        if node_id:
            return Counts(self.workspace.id, [self.readable_node(node_id).id])
        entries = [
            node.id
            for node in self.workspace.nodes.values()
            if node.type == NodeType.ENTRY and self.caller.may(READ, node.id)
        ]
        return Counts(self.workspace.id, entries)

    def period(
        self, parameters: QueryParameters, *, usual_months: int, most_months: int | None
    ) -> PeriodIn:
        """Return the period of `start` and `end`; invalid ones become faults of `parameters`.

        Dates are days of the workspace's time zone. `usual_months` is its length without `start`;
        `most_months` None is any length.
        """
        start, end = parameters.moment("start"), parameters.moment("end")
        in_zone = partial(
            period_of,
            start,
            end,
            now=datetime.now(UTC),
            usual_months=usual_months,
            most_months=most_months,
        )
        try:
            in_zone(zone=ZoneInfo(self.workspace.timezone))
        except ValueError as error:
            parameters.fault("start", str(error))
        return lambda zone: in_zone(zone=zone)

    def currency(self) -> str:
        """The currency of the workspace (ISO 4217)."""
        return Workspace.objects.values_list("currency", flat=True).get(id=self.workspace.id)


def stats_response(parameters: Mapping[str, Any], data: Any) -> JsonResponse:
    """Return a response that repeats its parameters."""
    return JsonResponse({"parameters": parameters, "data": data})


def period_data(period: Period) -> dict[str, Any]:
    """Return the period in the form of responses."""
    return {
        "start": period.start,
        "end": period.end,
        "timezone": period.zone.key,
    }


def values_data(buckets: Mapping[str, Decimal]) -> list[dict[str, str]]:
    """Return counts by the first moment of their day, week or month."""
    return [{"datetime": label, "value": plain_decimal(value)} for label, value in buckets.items()]
