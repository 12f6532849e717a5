"""The customers in a segment as files, streamed and in the background."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema

from bulkjobs.actions.exporting import record_export, request_export
from bulkjobs.api.export_parameters import (
    CUSTOMER_EXPORT_PARAMETERS,
    ExportRequest,
    export_request,
    given_values,
)
from bulkjobs.api.schema import EXPORT_JOB, EXPORTS
from bulkjobs.api.viewsets.exports import streamed_export
from bulkjobs.queries.documents import export_response
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse
from segments.api.schema import SEGMENT_EXPORT_INPUT
from segments.api.viewsets.members import CONTACTABLE, requested_consent
from segments.api.viewsets.segments import SegmentScopedViewSet
from segments.domain.contactable import contactable_document
from segments.models import Segment

PARAMETERS = [CONTACTABLE, *CUSTOMER_EXPORT_PARAMETERS]
OF_EXPORT = ("fields", "sort", "format", "excel")
NAMES = frozenset({*OF_EXPORT, "contactable"})


class SegmentExportViewSet(SegmentScopedViewSet):
    """Files of the customers in a segment, in the form of exports of their node."""

    @extend_schema(parameters=PARAMETERS, responses=EXPORTS)
    def export(self, request: HttpRequest, workspace_id: str, segment_id: str) -> HttpResponseBase:
        """Return the customers in a segment as a file, while it is read."""
        segment = self.get_object(segment_id)
        node = self.node_of(segment)
        requested = self.requested(request.GET, segment)
        record_export(
            self.workspace, node, requested.export, by=self.caller, summary=_summary(segment)
        )
        return streamed_export(self.workspace, node, requested, name=str(segment.id))

    @extend_schema(
        parameters=PARAMETERS,
        request={"application/json": SEGMENT_EXPORT_INPUT},
        responses={202: EXPORT_JOB},
    )
    def create(self, request: HttpRequest, workspace_id: str, segment_id: str) -> JsonResponse:
        """Start the same in the background; it is one of the exports of the node."""
        segment = self.get_object(segment_id)
        requested = self.requested(given_values(request, NAMES), segment)
        job = request_export(
            self.workspace,
            self.node_of(segment),
            requested.export,
            requested.file_format,
            has_mark=requested.has_mark,
            by=self.caller,
            summary=_summary(segment),
        )
        return JsonResponse(export_response(job), status=202)

    def requested(self, values: QueryDict, segment: Segment) -> ExportRequest:
        """Return what is asked for, of the customers in the segment; raises Invalid."""
        parameters = QueryParameters.of_values(values)
        consent = requested_consent(parameters)
        parameters.raise_faults()
        own = values.copy()
        for name in set(own) - {*OF_EXPORT}:
            del own[name]
        found = export_request(own, self.workspace, self.date_format)
        query: dict[str, Any] = {"type": "simple", "segment": str(segment.id)}
        if consent is not None:
            query["are"] = {"condition": contactable_document(consent)}
        export = replace(found.export, query={"name": "", "query": query})
        return replace(found, export=export)


def _summary(segment: Segment) -> str:
    return f'Export of segment "{segment.name[:80]}"'
