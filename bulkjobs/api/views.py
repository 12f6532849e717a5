from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema

from bulkjobs.actions.loading import Upload, load_job
from bulkjobs.actions.removal import delete_job
from bulkjobs.api.schema import CSV, JOB, PAGE_OF_JOBS, UPLOAD
from bulkjobs.domain.csv_columns import safe_cell
from bulkjobs.models import BulkJob, BulkJobEntity, BulkJobOperation, BulkJobStatus, Result
from bulkjobs.queries.exports import customers_csv, events_csv
from configuration.api.scoping import WorkspaceView
from configuration.domain.vocabulary import EVENT_TYPES
from configuration.queries.rules import NodeRules
from contacthub_project.api import pagination
from contacthub_project.api.pagination import LARGEST_MATCH, Page
from contacthub_project.api.parameters import choice_parameter, sort_parameter
from contacthub_project.api.query import QueryParameters, SortKey, id_or_unknown
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.requests import largest_form
from contacthub_project.api.schema import PAGE_PARAMETERS
from contacthub_project.api.uploads import StoredUpload
from contacthub_project.core.errors import (
    Conflict,
    FieldError,
    Invalid,
    NotFound,
    TooLarge,
    UnsupportedMedia,
)

RESULT_PAGE = 1000
RESULT_COLUMNS = ("row", "outcome", "id", "error", "column", "code")
SORTED_BY = {
    "createdAt": "created_at", "updatedAt": "updated_at", "status": "status",
    "filename": "filename", "entity": "entity", "operation": "operation",
}  # fmt: skip
NEWEST_FIRST = (SortKey("createdAt", descending=True),)


class BulkJobsView(WorkspaceView):
    """The bulk jobs of a node."""

    @extend_schema(
        parameters=[
            *PAGE_PARAMETERS,
            choice_parameter("status", BulkJobStatus.values, "Jobs that are this far."),
            choice_parameter("entity", BulkJobEntity.values, "Jobs of customers, or of events."),
            sort_parameter(SORTED_BY, "createdAt,desc"),
        ],
        responses={200: PAGE_OF_JOBS},
    )
    def get(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        page = Page.asked_for(parameters, pagination.CONFIGURATION)
        status = parameters.choice("status", BulkJobStatus.values, default=None)
        entity = parameters.choice("entity", BulkJobEntity.values, default=None)
        sort = parameters.sort(default=NEWEST_FIRST)
        for key in sort:
            if key.field not in SORTED_BY:
                parameters.fault("sort", f"must be one of {', '.join(SORTED_BY)}")
        parameters.raise_faults()
        node = self.readable_node(node_id)
        everything = BulkJob.objects.in_node(self.workspace.id, node.id)
        jobs = everything
        if status is not None:
            jobs = jobs.filter(status=status)
        if entity is not None:
            jobs = jobs.filter(entity=entity)
        order = [f"{'-' if key.descending else ''}{SORTED_BY[key.field]}" for key in sort]
        rows = page.slice(jobs.order_by(*order, "-id" if sort[-1].descending else "id"))
        return JsonResponse(
            page.of(
                [job_response(job) for job in rows],
                total=jobs.count_up_to(LARGEST_MATCH),
                unfiltered=everything.count_up_to(LARGEST_MATCH),
            )
        )

    @extend_schema(request={"multipart/form-data": UPLOAD}, responses={201: JOB})
    def post(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        """Take a file in as a job.

        While ten jobs of the node are LOADED it answers 409, with `Retry-After`.
        """
        node = self.writable_node(node_id)
        try:
            job = load_job(self.workspace, node, self.upload(request), by=self.caller)
        finally:
            request.close()  # removes what came in and was not kept
        return JsonResponse(job_response(job), status=201)

    def upload(self, request: HttpRequest) -> Upload:
        """The form, its file in the storage.

        Raises TooLarge, UnsupportedMedia, Unavailable, Invalid naming every fault.
        """
        if not request.META.get("CONTENT_TYPE", "").lower().startswith("multipart/form-data"):
            raise UnsupportedMedia("The body must be multipart/form-data")
        if int(request.META.get("CONTENT_LENGTH") or 0) > largest_form():
            raise TooLarge(f"The file must not exceed {settings.BULK_BYTES} bytes")
        try:
            form, files = request.POST, request.FILES
        except RequestDataTooBig:
            raise TooLarge(f"The file must not exceed {settings.BULK_BYTES} bytes") from None
        except (MultiPartParserError, UnreadablePostError):
            raise Invalid("The form could not be read") from None
        operation = form.get("operation", "")
        entity = form.get("entity", BulkJobEntity.CUSTOMER)
        event_type = form.get("eventType") or None
        faults = []
        if "file" not in files:
            faults.append(FieldError("/file", "is required", "required"))
        if operation not in BulkJobOperation.values:
            known = ", ".join(BulkJobOperation.values)
            faults.append(FieldError("/operation", f"must be one of {known}", "enum"))
        if entity not in BulkJobEntity.values:
            known = ", ".join(BulkJobEntity.values)
            faults.append(FieldError("/entity", f"must be one of {known}", "enum"))
        if event_type is not None and event_type not in EVENT_TYPES:
            faults.append(FieldError("/eventType", "is not a type of event", "enum"))
        elif entity == BulkJobEntity.EVENT and event_type is None:
            faults.append(FieldError("/eventType", "is required for events", "required"))
        elif entity == BulkJobEntity.CUSTOMER and event_type is not None:
            faults.append(FieldError("/eventType", "is for events only", "entity"))
        if faults:
            raise Invalid(errors=faults)
        file = files["file"]
        assert isinstance(file, StoredUpload), "the handler of the settings makes them"
        name = "".join(each for each in file.name or "file.csv" if each.isprintable())
        return Upload(file, name, operation, entity, event_type)


class _OneJobView(WorkspaceView):
    def job(self, node: NodeRules, job_id: str) -> BulkJob:
        """A job of the node; raises NotFound."""
        jobs = BulkJob.objects.in_node(self.workspace.id, node.id)
        job = jobs.filter(id=id_or_unknown(job_id)).first()
        if job is None:
            raise NotFound(f"bulk job not found {job_id}")
        return job


class BulkJobView(_OneJobView):
    @extend_schema(responses={200: JOB})
    def get(
        self, request: HttpRequest, workspace_id: str, node_id: str, job_id: str
    ) -> JsonResponse:
        return JsonResponse(job_response(self.job(self.readable_node(node_id), job_id)))

    @extend_schema(responses={204: None})
    def delete(
        self, request: HttpRequest, workspace_id: str, node_id: str, job_id: str
    ) -> HttpResponse:
        """Delete a job with its file and results; one that runs is stopped first.

        What its rows have changed stays.
        """
        delete_job(self.job(self.writable_node(node_id), job_id))
        return HttpResponse(status=204)


class BulkJobResultsView(_OneJobView):
    @extend_schema(responses={(200, "text/csv"): CSV})
    def get(
        self, request: HttpRequest, workspace_id: str, node_id: str, job_id: str
    ) -> HttpResponseBase:
        """What became of each row, as CSV; once the job is PROCESSED or FAILED."""
        job = self.job(self.readable_node(node_id), job_id)
        if job.status not in {BulkJobStatus.PROCESSED, BulkJobStatus.FAILED}:
            raise Conflict(f"The job is {job.status}; its results come when it has ended")
        return StreamingHttpResponse(
            results_csv(job),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="results-{job.id}.csv"'},
        )


class NodeExportView(WorkspaceView):
    @extend_schema(
        parameters=[
            choice_parameter(
                "entity",
                BulkJobEntity.values,
                "What is exported.",
                default=BulkJobEntity.CUSTOMER.value,
            ),
            choice_parameter(
                "eventType", EVENT_TYPES, "The type of the events; required for events."
            ),
        ],
        responses={(200, "text/csv"): CSV},
    )
    def get(self, request: HttpRequest, workspace_id: str, node_id: str) -> HttpResponseBase:
        """A node's customers, or its events of a type, as a bulk job takes them in again."""
        parameters = QueryParameters(request)
        entity = parameters.choice(
            "entity", BulkJobEntity.values, default=BulkJobEntity.CUSTOMER.value
        )
        event_type = parameters.choice("eventType", list(EVENT_TYPES), default=None)
        if entity == BulkJobEntity.EVENT and event_type is None:
            parameters.fault("eventType", "is required for events")
        parameters.raise_faults()
        node = self.readable_node(node_id)
        lines = (
            customers_csv(self.workspace, node.id, self.date_format)
            if event_type is None
            else events_csv(self.workspace, node, event_type, self.date_format)
        )
        return StreamingHttpResponse(
            lines,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{node.id}.csv"'},
        )


def job_response(job: BulkJob) -> dict[str, Any]:
    """The job as the API shows it."""
    return {
        "id": job.id,
        "filename": job.filename,
        "operation": job.operation,
        "workspaceId": job.workspace_id,
        "nodeId": job.node_id,
        "entity": job.entity,
        "eventType": job.event_type,
        "bulkJobName": str(job),
        "status": job.status,
        "errorMessage": job.error_message,
        "createdAt": job.created_at,
        "updatedAt": job.updated_at,
        "processedEntities": job.processed,
        "failedEntities": job.failed,
        "totalEntities": job.total,
    }


def results_csv(job: BulkJob) -> Iterator[bytes]:
    """The results, page by page, in the order of the rows."""
    yield _lines([RESULT_COLUMNS])
    last = 0
    while True:
        results = Result.objects.filter(job=job, row__gt=last).order_by("row")[:RESULT_PAGE]
        page = list(results)
        if not page:
            return
        yield _lines(
            (
                str(result.row), result.outcome, str(result.entity_id or ""),
                _told(result.message), _told(result.column), result.code or "",
            )
            for result in page
        )  # fmt: skip
        last = page[-1].row


def _told(text: str | None) -> str:
    return safe_cell(text) if text else ""


def _lines(rows: Any) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
