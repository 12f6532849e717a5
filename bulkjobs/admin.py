from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from bulkjobs.actions.loading import TASK
from bulkjobs.actions.processing import resume_job, stop_job
from bulkjobs.models import BulkJob
from configuration.back_office import WorkspaceReadOnlyAdmin
from contacthub_project.nudges import nudge


@admin.register(BulkJob)
class BulkJobAdmin(WorkspaceReadOnlyAdmin):
    """Uploads and how far they are; they can be stopped, and go on where they were."""

    list_display = (
        "filename", "operation", "entity", "event_type", "status", "total", "processed", "failed",
        "updated_at",
    )  # fmt: skip
    list_filter = ("status", "entity", "operation")
    ordering = ("-created_at",)
    actions = ("stop", "resume")

    @admin.action(description="Stop", permissions=["stop"])
    def stop(self, request: HttpRequest, jobs: QuerySet[BulkJob]) -> None:
        for job in jobs:
            stop_job(job)

    @admin.action(description="Go on with stopped jobs", permissions=["stop"])
    def resume(self, request: HttpRequest, jobs: QuerySet[BulkJob]) -> None:
        for job in jobs:
            resume_job(job)
        nudge(TASK)

    def has_stop_permission(self, request: HttpRequest) -> bool:
        """Whether the person may stop jobs and have them go on."""
        return request.user.has_perm("bulkjobs.change_bulkjob")
