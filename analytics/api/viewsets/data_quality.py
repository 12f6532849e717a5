"""Data quality of a workspace: how properties are filled, and what is refused of each source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from analytics.api import schema
from analytics.api.scoping import StatsViewSet
from analytics.domain.data_quality import PropertyQuality
from analytics.queries.data_quality import (
    MOST_CUSTOMERS,
    SourceQuality,
    customer_quality,
    source_acceptance,
)
from contacthub_project.api.parameters import list_parameter, moment_parameter, number_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.core.timestamps import parse_timestamp

USUAL_SPAN = timedelta(days=7)
DATE_FROM = moment_parameter(
    "dateFrom", "What sources have sent from this hour on; seven days ago unless given."
)
PROPERTIES = list_parameter(
    "properties", "Only these properties and those below them, as `base.contacts`."
)
SAMPLE_SIZE = number_parameter(
    "sampleSize",
    "Of more customers, or changes, so many are read, chosen at random; fewer are faster.",
    least=1,
    most=MOST_CUSTOMERS,
    default=MOST_CUSTOMERS,
)


class DataQualityViewSet(StatsViewSet):
    """Data quality of one node, or of all entry nodes that the caller may read."""

    @extend_schema(
        parameters=[schema.NODE, PROPERTIES, DATE_FROM, SAMPLE_SIZE],
        responses={200: schema.DATA_QUALITY},
    )
    def retrieve(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return counts by property, and by source what was accepted and refused."""
        parameters = QueryParameters(request)
        node_id = parameters.text("nodeId")
        chosen = parameters.listed("properties")
        since = self._since(parameters)
        most = parameters.whole_number("sampleSize", default=None, least=1, most=MOST_CUSTOMERS)
        parameters.raise_faults()
        quality = customer_quality(self.workspace, self.counts(node_id).nodes, most=most)
        sent = source_acceptance(self.workspace, since, most=most)
        return JsonResponse(
            {
                "nodeId": node_id,
                "customers": quality.customers,
                "sampled": quality.is_sampled,
                "sampleSize": quality.read,
                "properties": [
                    _property(each)
                    for each in quality.properties
                    if not chosen or any(f"{each.path}.".startswith(f"{name}.") for name in chosen)
                ],
                "sources": {
                    "since": sent.since,
                    "changes": sent.changes,
                    "sampled": sent.is_sampled,
                    "sampleSize": sent.read,
                    "elements": [_source(each) for each in sent.sources],
                },
            }
        )

    def _since(self, parameters: QueryParameters) -> datetime:
        """Return the parameter `dateFrom`; one that is not in the calendar becomes a fault."""
        usual = datetime.now(UTC) - USUAL_SPAN
        span = parameters.span("dateFrom", self.workspace.zone)
        if span is None:
            return usual
        since = parse_timestamp(span.first)
        if since is None:
            parameters.fault("dateFrom", "must be a moment of the calendar", "range")
            return usual
        return since


def _property(quality: PropertyQuality) -> dict[str, Any]:
    return {
        "path": quality.path,
        "state": quality.state,
        "filled": quality.filled,
        "distinct": quality.distinct,
        "invalid": quality.invalid,
    }


def _source(quality: SourceQuality) -> dict[str, Any]:
    return {
        "sourceId": quality.source_id,
        "entity": quality.entity,
        "accepted": quality.accepted,
        "refused": quality.refused,
        "refusedShare": quality.refused_share,
    }
