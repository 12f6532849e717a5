"""Exports of nodes, streamed and in the background, and templates of files."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema

from bulkjobs.actions.exporting import delete_export, record_export, request_export
from bulkjobs.actions.storage import stored_pieces
from bulkjobs.api.export_parameters import (
    EXPORT_PARAMETERS,
    ExportRequest,
    export_request,
    given_values,
)
from bulkjobs.api.schema import EXPORT_INPUT, EXPORT_JOB, EXPORTS, TEMPLATES
from bulkjobs.models import BulkJobEntity, BulkJobStatus, ExportJob
from bulkjobs.queries.columns import possible_columns
from bulkjobs.queries.documents import export_response
from bulkjobs.queries.export_files import ExportFormat, exported_file, template_file
from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.domain.vocabulary import EVENT_TYPES
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.api.parameters import choice_parameter
from contacthub_project.api.query import QueryParameters, get_or_not_found
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.core.errors import Conflict


class NodeExportViewSet(WorkspaceScopedViewSet):
    """Files of a node's data, streamed."""

    @extend_schema(parameters=EXPORT_PARAMETERS, responses=EXPORTS)
    def export(self, request: HttpRequest, workspace_id: str, node_id: str) -> HttpResponseBase:
        """Return a node's customers, or its events of a type, in the form of bulk jobs."""
        node = self.readable_node(node_id)
        request_of_export = export_request(request.GET, self.workspace, self.date_format)
        record_export(
            self.workspace, node, request_of_export.export, by=self.caller, summary="Export"
        )
        return streamed_export(self.workspace, node, request_of_export, name=str(node.id))

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
        responses=TEMPLATES,
    )
    def import_template(
        self, request: HttpRequest, workspace_id: str, node_id: str
    ) -> HttpResponseBase:
        """Return an empty file with every possible column of a bulk job."""
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
            template_file(columns, file_format),
            content_type=file_format.content_type,
            headers=_attachment(f"template.{file_format}"),
        )


class ExportJobViewSet(WorkspaceScopedViewSet):
    """Exports that are written in the background."""

    room_making_actions = frozenset({"destroy"})  # it deletes the file

    @extend_schema(
        parameters=EXPORT_PARAMETERS,
        request={"application/json": EXPORT_INPUT},
        responses={202: EXPORT_JOB},
    )
    def create(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        """Start an export in the background."""
        node = self.readable_node(node_id)
        request_of_export = export_request(given_values(request), self.workspace, self.date_format)
        job = request_export(
            self.workspace,
            node,
            request_of_export.export,
            request_of_export.file_format,
            has_mark=request_of_export.has_mark,
            by=self.caller,
        )
        return JsonResponse(export_response(job), status=202)

    @extend_schema(responses={200: EXPORT_JOB})
    def retrieve(
        self, request: HttpRequest, workspace_id: str, node_id: str, export_id: str
    ) -> JsonResponse:
        """Return an export and its progress."""
        job = self.export_job(self.readable_node(node_id), export_id)
        return JsonResponse(export_response(job))

    @extend_schema(responses={204: None})
    def destroy(
        self, request: HttpRequest, workspace_id: str, node_id: str, export_id: str
    ) -> HttpResponse:
        """Delete an export and its file."""
        delete_export(self.export_job(self.readable_node(node_id), export_id))
        return HttpResponse(status=204)

    @extend_schema(responses=EXPORTS)
    def file(
        self, request: HttpRequest, workspace_id: str, node_id: str, export_id: str
    ) -> HttpResponseBase:
        """Return the file of an export, once it is PROCESSED."""
        job = self.export_job(self.readable_node(node_id), export_id)
        if job.status != BulkJobStatus.PROCESSED or not job.file.name:
            raise Conflict(f"The export is {job.status}; its file comes when it is PROCESSED")
        return StreamingHttpResponse(
            stored_pieces(job.file.name),
            content_type=ExportFormat(job.file_format).content_type,
            headers=_attachment(f"{job.node_id}.{job.file_format}"),
        )

    def export_job(self, node: NodeRules, export_id: str) -> ExportJob:
        """Return an export of the node; raises NotFound."""
        exports = ExportJob.objects.in_node(self.workspace.id, node.id)
        return get_or_not_found(exports, export_id, "export")


def streamed_export(
    workspace: WorkspaceRules, node: NodeRules, requested: ExportRequest, *, name: str
) -> StreamingHttpResponse:
    """Return an export as a download; the file gets the name, and the ending of its format."""
    return StreamingHttpResponse(
        exported_file(
            workspace, node, requested.export, requested.file_format, mark=requested.has_mark
        ),
        content_type=requested.file_format.content_type,
        headers=_attachment(f"{name}.{requested.file_format}"),
    )


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
