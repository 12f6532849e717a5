"""Bulk jobs: uploads, progress, results."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema

from bulkjobs.actions.loading import load_job
from bulkjobs.actions.removal import delete_job
from bulkjobs.api.filters import BulkJobFilterSet
from bulkjobs.api.forms import upload_of
from bulkjobs.api.results import failed_rows_csv, results_csv
from bulkjobs.api.schema import CSV, JOB, PAGE_OF_JOBS, REPORT, UPLOAD
from bulkjobs.models import BulkJob, BulkJobStatus, Outcome
from bulkjobs.queries.documents import job_response, report_response
from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.queries.rules import NodeRules
from contacthub_project.api import pagination
from contacthub_project.api.pagination import LARGEST_MATCH
from contacthub_project.api.parameters import choice_parameter
from contacthub_project.api.query import QueryParameters, get_or_not_found
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.core.errors import Conflict

RESULT_FORMS = ("results", "input")


class BulkJobViewSet(WorkspaceScopedViewSet):
    """The bulk jobs of a node."""

    filterset_class = BulkJobFilterSet
    page_rules = pagination.CONFIGURATION
    room_making_actions = frozenset({"destroy"})  # it deletes the file

    @extend_schema(responses={200: PAGE_OF_JOBS})
    def list(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        """Return a page of jobs, the latest first unless `sort` is given."""
        filters = BulkJobFilterSet(request.GET)
        page = self.requested_page(filters)
        node = self.readable_node(node_id)
        everything = BulkJob.objects.in_node(self.workspace.id, node.id)
        jobs = filters.filter_queryset(everything)
        return JsonResponse(
            page.of(
                [job_response(job) for job in page.slice(jobs)],
                total=jobs.count_up_to(LARGEST_MATCH),
                unfiltered=everything.count_up_to(LARGEST_MATCH),
            )
        )

    @extend_schema(request={"multipart/form-data": UPLOAD}, responses={201: JOB})
    def create(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        """Accept a file as a job.

        While ten jobs of the node are LOADED the response is 409, with `Retry-After`.
        """
        node = self.writable_node(node_id)
        try:
            job = load_job(self.workspace, node, upload_of(request), by=self.caller)
        finally:
            request.close()  # removes the upload unless it was kept
        return JsonResponse(job_response(job), status=201)

    @extend_schema(responses={200: JOB})
    def retrieve(
        self, request: HttpRequest, workspace_id: str, node_id: str, job_id: str
    ) -> JsonResponse:
        """Return one job and its progress."""
        return JsonResponse(job_response(self.job(self.readable_node(node_id), job_id)))

    @extend_schema(responses={204: None})
    def destroy(
        self, request: HttpRequest, workspace_id: str, node_id: str, job_id: str
    ) -> HttpResponse:
        """Delete a job with its file and results; a running one is stopped first.

        The effects of its rows stay.
        """
        delete_job(self.job(self.writable_node(node_id), job_id))
        return HttpResponse(status=204)

    @extend_schema(
        parameters=[
            choice_parameter("outcome", Outcome.values, "Rows with this outcome only."),
            choice_parameter(
                "form",
                RESULT_FORMS,
                "`results`: what became of each row. `input`: the failed rows as they were in the"
                " file, to be mended and sent again, and a column that says why.",
                default="results",
            ),
        ],
        responses={(200, "text/csv"): CSV},
    )
    def results(
        self, request: HttpRequest, workspace_id: str, node_id: str, job_id: str
    ) -> HttpResponseBase:
        """Return the result of each row, as CSV; once the job is PROCESSED or FAILED."""
        parameters = QueryParameters(request)
        outcome = parameters.choice("outcome", Outcome.values, default=None)
        form = parameters.choice("form", RESULT_FORMS, default="results")
        if form == "input" and outcome not in {None, Outcome.FAILED}:
            parameters.fault("outcome", "must be failed: the cells of other rows are not kept")
        parameters.raise_faults()
        job = self.job(self.readable_node(node_id), job_id)
        if job.status not in {BulkJobStatus.PROCESSED, BulkJobStatus.FAILED}:
            raise Conflict(f"The job is {job.status}; its results come when it has ended")
        name = "results" if form == "results" else "failed"
        return StreamingHttpResponse(
            results_csv(job, outcome) if form == "results" else failed_rows_csv(job),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}-{job.id}.csv"'},
        )

    @extend_schema(responses={200: REPORT})
    def report(
        self, request: HttpRequest, workspace_id: str, node_id: str, job_id: str
    ) -> JsonResponse:
        """Return the detected format of a job's file, and the number of rows by outcome."""
        return JsonResponse(report_response(self.job(self.readable_node(node_id), job_id)))

    def job(self, node: NodeRules, job_id: str) -> BulkJob:
        """Return a job of the node; raises NotFound."""
        jobs = BulkJob.objects.in_node(self.workspace.id, node.id)
        return get_or_not_found(jobs, job_id, "bulk job")
