"""Imports: list, page of a job with its progress, and the import wizard."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from bulkjobs.actions.loading import TASK
from bulkjobs.actions.processing import resume_job, stop_job
from bulkjobs.admin.import_form import layout_text
from bulkjobs.admin.import_wizard import ImportWizard
from bulkjobs.admin.job_admin import JobAdmin, NodeFilter, rows_name
from bulkjobs.admin.progress import ENDED, MOVING, Progress, import_progress
from bulkjobs.domain.cells import CellRules
from bulkjobs.models import BulkJob, BulkJobOperation, BulkJobStatus, Outcome, Result
from bulkjobs.models.job import BulkJobQuerySet
from bulkjobs.queries.documents import report_response
from contacthub_project.admin.audit import record_action
from contacthub_project.admin.confirmation import Confirmation
from contacthub_project.admin.model_admin import WORKSPACE
from contacthub_project.messaging.enqueue import enqueue

JOBS = WORKSPACE + "/nodes/{nodeId}/bulk-jobs"
MOST_REFUSED = 20  # that a page shows; the file has all


@admin.register(BulkJob)
class BulkJobAdmin(ImportWizard, JobAdmin):
    """Imported files and the results of their rows."""

    operations = {
        "view": ("GET", JOBS),
        "add": ("POST", JOBS),
        "delete": ("DELETE", JOBS + "/{jobId}"),
    }
    api_path = "/bulk-jobs"
    list_display = (
        "filename", "display_rows", "display_operation", "display_node", "display_status",
        "display_progress", "display_failed", "author", "created_at",
    )  # fmt: skip
    list_display_links = ("filename",)
    list_filter = (
        NodeFilter,
        ("status", ChoicesDropdownFilter),
        ("operation", ChoicesDropdownFilter),
        ("entity", ChoicesDropdownFilter),
        "dry_run",
        ("created_at", RangeDateTimeFilter),
    )
    search_fields = ("filename", "=id")
    search_help_text = _("Name of a file, or id of a job")
    sortable_by = ("filename", "display_status", "display_node", "created_at")
    fields = (
        "display_node", "display_rows", "display_operation", "author", "created_at", "updated_at",
        "display_layout", "display_cells", "display_columns",
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        job = "<uuid:object_id>/"
        return [
            *self.wizard_urls(),
            self.own_url(job + "outcome/", "outcome", self.outcome_view),
            self.own_url(job + "results/", "results", self.results_view),
            self.own_url(job + "stop/", "stop", self.stop_view),
            self.own_url(job + "resume/", "resume", self.resume_view),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkJob]:
        jobs: BulkJobQuerySet = super().get_queryset(request)  # type: ignore[assignment]
        return jobs.kept()

    def progress(self, job: BulkJob) -> Progress:
        return import_progress(job)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or self.may_write(request, obj.node_id))

    def deletion_of(self, obj: Any) -> Confirmation:
        return Confirmation(
            title=gettext("Delete the job of %(name)s?") % {"name": obj.filename},
            what=gettext("Its file and results go. What its rows have changed stays."),
            action=gettext("Delete"),
        )

    def job_context(self, request: HttpRequest, job: BulkJob) -> dict[str, Any]:
        """Return a job, how far it is, and what became of its rows."""
        may_stop = self.has_add_permission(request) and self.may_write(request, job.node_id)
        return self._outcome(job) | {"title": str(job.filename), "may_stop": may_stop}

    def outcome_view(self, request: HttpRequest, object_id: Any) -> HttpResponseBase:
        """Return the part of the page with the results of the rows."""
        context = self._outcome(self.found(request, object_id))
        return TemplateResponse(request, "admin/bulkjobs/outcome.html", context)

    def _outcome(self, job: BulkJob) -> dict[str, Any]:
        refused = Result.objects.filter(
            workspace_id=job.workspace_id, job_id=job.id, outcome=Outcome.FAILED
        ).order_by("row")
        rows = [
            [each.row, each.column or "", each.message or "", _identity(each)]
            for each in refused[:MOST_REFUSED]
        ]
        headers = [_("Line"), _("Column"), _("Why"), _("Whose")]
        return {
            "job": job,
            "progress": self.progress(job),
            "outcomes": outcome_counts(job),
            "refused": {"headers": headers, "rows": rows},
            "more_refused": max(job.failed - len(rows), 0),
        }

    def results_view(self, request: HttpRequest, object_id: Any) -> HttpResponseBase:
        """Download what became of each row, or with `form=input` the refused rows of the file."""
        job = self.found(request, object_id)
        if job.status not in ENDED:
            messages.error(request, gettext("The job has not ended yet."))
            return self._to(job)
        form = "input" if request.GET.get("form") == "input" else "results"
        path = f"{self.get_api_path(request, job)}/results"
        return self.download(request, path, {"form": form}, back=self._to(job).url)

    def stop_view(self, request: HttpRequest, object_id: Any) -> HttpResponseBase:
        """Stop a job; rows that are done stay done."""
        job = self.found(request, object_id)
        if self._may_switch(request, job, job.status in MOVING):
            stop_job(job)
            self._switched(request, job, "stop", gettext("The job is stopped."))
        return self._to(job)

    def resume_view(self, request: HttpRequest, object_id: Any) -> HttpResponseBase:
        """Resume a stopped job."""
        job = self.found(request, object_id)
        if self._may_switch(request, job, job.status == BulkJobStatus.STOPPED):
            resume_job(job)
            enqueue(TASK)
            self._switched(request, job, "resume", gettext("The job goes on."))
        return self._to(job)

    def _may_switch(self, request: HttpRequest, job: BulkJob, fits: bool) -> bool:
        if request.method != "POST":
            return False
        if not (self.has_add_permission(request) and self.may_write(request, job.node_id)):
            messages.error(request, gettext("You may not change the jobs of this node."))
            return False
        if not fits:
            messages.error(
                request, gettext("The job has changed meanwhile. Nothing has been done.")
            )
        return fits

    def _switched(self, request: HttpRequest, job: BulkJob, act: str, text: str) -> None:
        user = self.staff(request).user
        record_action(user, job.workspace_id, f"Bulk job: {act}", str(job.id))
        messages.success(request, text)

    def _to(self, job: BulkJob) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:bulkjobs_bulkjob_change", args=[job.id]))

    @display(description=_("A row is"))
    def display_rows(self, job: BulkJob) -> str:
        return rows_name(job.entity, job.event_type)

    @display(description=_("What is done"))
    def display_operation(self, job: BulkJob) -> str:
        names = {
            BulkJobOperation.UPSERT: _("add and change"),
            BulkJobOperation.INSERT: _("add"),
            BulkJobOperation.DELETE: _("delete"),
        }
        done = str(names[BulkJobOperation(job.operation)])
        return gettext("dry run: %(what)s") % {"what": done} if job.dry_run else done

    @display(description=_("Refused"))
    def display_failed(self, job: BulkJob) -> str:
        return render_to_string(
            "admin/bulkjobs/part.html", {"progress": self.progress(job), "name": "failed"}
        )

    @display(description=_("The file is"))
    def display_layout(self, job: BulkJob) -> str:
        return layout_text(report_response(job))

    @display(description=_("Cells are read"))
    def display_cells(self, job: BulkJob) -> str:
        rules = CellRules.from_json(job.cell_rules) if job.cell_rules else CellRules()
        values = (
            gettext("as people write them")
            if rules.is_lenient
            else gettext("as the API takes them")
        )
        order = (
            gettext("dates as %(order)s") % {"order": rules.date_order} if rules.date_order else ""
        )
        return ", ".join(filter(None, [values, order]))

    @display(description=_("Columns"))
    def display_columns(self, job: BulkJob) -> str:
        rows = [
            [header or gettext("(no name)"), path or gettext("left out")]
            for header, path in job.columns
        ]
        table = {"headers": [_("Column of the file"), _("Property")], "rows": rows}
        return render_to_string("admin/bulkjobs/table.html", {"table": table})


def outcome_counts(job: BulkJob) -> list[dict[str, Any]]:
    """Return name, label and number of each outcome that an operation can have."""
    labels = {
        Outcome.CREATED: _("would be created") if job.dry_run else _("created"),
        Outcome.UPDATED: _("would be changed") if job.dry_run else _("changed"),
        Outcome.UNCHANGED: _("unchanged"),
        Outcome.DELETED: _("would be deleted") if job.dry_run else _("deleted"),
        Outcome.FAILED: _("refused"),
        Outcome.FORGOTTEN: _("forgotten"),
    }
    is_deletion = job.operation == BulkJobOperation.DELETE
    hidden = {Outcome.FORGOTTEN} | (
        {Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED} if is_deletion else {Outcome.DELETED}
    )
    return [
        {"name": str(name), "label": label, "count": job.outcomes.get(name, 0)}
        for name, label in labels.items()
        if name not in hidden or job.outcomes.get(name)
    ]


def _identity(result: Result) -> str:
    return ", ".join(str(value) for value in (result.identity or {}).values() if value)
