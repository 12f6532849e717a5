"""The page of health, queues and recent tasks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http.response import HttpResponseBase

from analytics.models import Delta, Ledger
from bulkjobs.models import BulkJob
from configuration.domain.permissions import reads_whole_workspace
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.site import page
from customers.models import AggregateBuild, Change, PendingMerge
from events.models import DroppedEvents, PurgeRun

JOBS = "/nodes/{nodeId}/bulk-jobs"
MOST = 10_000
DROPPED_DAYS = timedelta(days=30)


@page("operations/", "operations")
def operations(office: WorkspaceContext) -> HttpResponseBase:
    """Show health, queues, purges, recounts, feed, dropped events and jobs.

    People with grants see queues and jobs of the nodes that they may read, and neither purges nor
    counters, which are of the whole workspace.
    """
    sees_all = reads_whole_workspace(office.user.roles)
    workspace = {"workspace_id": office.workspace_id}
    nodes = [each["id"] for each in office.nodes]
    here = workspace if sees_all else workspace | {"node_id__in": nodes}
    merges = workspace if sees_all else workspace | {"aggregate_node_id__in": nodes}
    jobs = (
        BulkJob.objects.kept().filter(**here) if office.may("GET", JOBS) else BulkJob.objects.none()
    )
    health = office.api.get("/health")
    ledger = Ledger.objects.filter(**workspace).first() if sees_all else None
    return office.show(
        "operations",
        "Operations",
        health=health.json,
        is_well=health.is_good,
        waiting=[
            ("Changes to be counted", _up_to(Delta.objects.filter(**here))),
            ("Aggregate customers to be merged", _up_to(PendingMerge.objects.filter(**merges))),
            ("Aggregate nodes being built", AggregateBuild.objects.filter(**here).count()),
            ("Bulk jobs to be done", jobs.to_do().count()),
            ("Changes in the update stream", _up_to(Change.objects.filter(**here))),
        ],
        sees_all=sees_all,
        ledger=ledger,
        dropped=DroppedEvents.objects.filter(**here).totals_since(
            office.workspace_id, datetime.now(UTC).date() - DROPPED_DAYS
        ),
        purges=PurgeRun.objects.filter(**workspace).order_by("-started_at")[:5] if sees_all else (),
        jobs=jobs.order_by("-created_at")[:10],
    )


def _up_to(rows: Any) -> str:
    count = rows[:MOST].count()
    return f"more than {MOST}" if count == MOST else str(count)
