"""Exports of nodes, at once and in the background, and templates of files."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema

from bulkjobs.actions.exporting import delete_export, record_export, request_export
from bulkjobs.actions.storage import stored_pieces
from bulkjobs.api.export_parameters import EXPORT_PARAMETERS, export_request
from bulkjobs.api.schema import CSV, EXPORT_JOB
from bulkjobs.models import BulkJobEntity, BulkJobStatus, ExportJob
from bulkjobs.queries.columns import possible_columns
from bulkjobs.queries.documents import export_response
from bulkjobs.queries.export_files import ExportFormat, written
from bulkjobs.queries.exports import Records, exported
from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.domain.vocabulary import EVENT_TYPES
from configuration.queries.rules import NodeRules
from contacthub_project.api.parameters import choice_parameter
from contacthub_project.api.query import QueryParameters, id_or_unknown
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.core.errors import Conflict, NotFound


class NodeExportViewSet(WorkspaceScopedViewSet):
    """Files about a node, written while they are sent."""

    @extend_schema(parameters=EXPORT_PARAMETERS, responses={(200, "text/csv"): CSV})
    def export(self, request: HttpRequest, workspace_id: str, node_id: str) -> HttpResponseBase:
        """A node's customers, or its events of a type, as a bulk job takes them in again."""
        node = self.readable_node(node_id)
        asked = export_request(request, self.workspace, self.date_format)
        record_export(self.workspace, node, asked.export, by=self.caller, summary="Export")
        records = exported(self.workspace, node, asked.export)
        return StreamingHttpResponse(
            written(records, asked.file_format, mark=asked.has_mark),
            content_type=asked.file_format.content_type,
            headers=_attachment(f"{node.id}.{asked.file_format}"),
        )

    @extend_schema(
        parameters=[
            choice_parameter(
                "entity",
                BulkJobEntity.values,
                "What the file is about.",
                default=BulkJobEntity.CUSTOMER.value,
            ),
            choice_parameter("eventType", EVENT_TYPES, "The type of the events."),
            choice_parameter(
                "format", ["csv", "xlsx"], "The kind of file.", default=ExportFormat.CSV.value
            ),
        ],
        responses={(200, "text/csv"): CSV},
    )
    def import_template(
        self, request: HttpRequest, workspace_id: str, node_id: str
    ) -> HttpResponseBase:
        """An empty file with every column that a bulk job can have."""
        parameters = QueryParameters(request)
        entity = parameters.choice(
            "entity", BulkJobEntity.values, default=BulkJobEntity.CUSTOMER.value
        )
        event_type = parameters.choice("eventType", [*EVENT_TYPES], default=None)
        kind = parameters.choice("format", ["csv", "xlsx"], default=ExportFormat.CSV.value)
        if entity == BulkJobEntity.EVENT and event_type is None:
            parameters.fault("eventType", "is required for events")
        parameters.raise_faults()
        self.readable_node(node_id)
        file_format = ExportFormat(kind)
        columns = [*possible_columns(self.workspace, entity, event_type).paths]
        return StreamingHttpResponse(
            written(Records(columns, []), file_format),
            content_type=file_format.content_type,
            headers=_attachment(f"template.{file_format}"),
        )


class ExportJobViewSet(WorkspaceScopedViewSet):
    """Exports that are written in the background."""

    room_making_actions = frozenset({"destroy"})  # the file of a deleted export goes

    @extend_schema(parameters=EXPORT_PARAMETERS, request=None, responses={202: EXPORT_JOB})
    def create(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        """Have an export written in the background."""
        node = self.readable_node(node_id)
        asked = export_request(request, self.workspace, self.date_format)
        job = request_export(
            self.workspace,
            node,
            asked.export,
            asked.file_format,
            has_mark=asked.has_mark,
            by=self.caller,
        )
        return JsonResponse(export_response(job), status=202)

    @extend_schema(responses={200: EXPORT_JOB})
    def retrieve(
        self, request: HttpRequest, workspace_id: str, node_id: str, export_id: str
    ) -> JsonResponse:
        """An export, and how far it is."""
        job = self.export_job(self.readable_node(node_id), export_id)
        return JsonResponse(export_response(job))

    @extend_schema(responses={204: None})
    def destroy(
        self, request: HttpRequest, workspace_id: str, node_id: str, export_id: str
    ) -> HttpResponse:
        """Delete an export and its file."""
        delete_export(self.export_job(self.readable_node(node_id), export_id))
        return HttpResponse(status=204)

    @extend_schema(responses={(200, "text/csv"): CSV})
    def file(
        self, request: HttpRequest, workspace_id: str, node_id: str, export_id: str
    ) -> HttpResponseBase:
        """The file of an export, once it is PROCESSED."""
        job = self.export_job(self.readable_node(node_id), export_id)
        if job.status != BulkJobStatus.PROCESSED or not job.file.name:
            raise Conflict(f"The export is {job.status}; its file comes when it is PROCESSED")
        return StreamingHttpResponse(
            stored_pieces(job.file.name),
            content_type=ExportFormat(job.file_format).content_type,
            headers=_attachment(f"{job.node_id}.{job.file_format}"),
        )

    def export_job(self, node: NodeRules, export_id: str) -> ExportJob:
        """An export of the node; raises NotFound."""
        exports = ExportJob.objects.in_node(self.workspace.id, node.id)
        job = exports.filter(id=id_or_unknown(export_id)).first()
        if job is None:
            raise NotFound(f"export not found {export_id}")
        return job


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
