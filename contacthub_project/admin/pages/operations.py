"""Pages for operators: health, recent tasks and the audit log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http.response import HttpResponseBase

from analytics.models import Delta, Ledger
from bulkjobs.models import BulkJob
from configuration.admin.filters import StaffChangeFilterSet
from configuration.domain.permissions import reads_whole_workspace
from configuration.models import StaffChange
from contacthub_project.admin.site import WorkspaceContext, page
from customers.models import AggregateBuild, Change, PendingMerge
from events.models import DroppedEvents, PurgeRun

SIZE = 50
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
            ("Bulk jobs to be done", jobs.filter(id__in=BulkJob.objects.to_do()).count()),
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


@page("audit/", "audit")
def audit(office: WorkspaceContext) -> HttpResponseBase:
    """Show changes by staff, latest first, with the documents before and after."""
    filters = StaffChangeFilterSet(office.request.GET)
    # Changes outside of any workspace, as by manage.py, are for operators.
    places = [office.workspace_id, None] if office.is_operator else [office.workspace_id]
    shown: list[StaffChange] = []
    for place in places:  # each by the index
        changes = StaffChange.objects.in_workspace(place).select_related("user")
        if not office.may("PUT", "/configuration"):
            changes = changes.filter(user=office.user)
        if not filters.faults:
            changes = filters.filter_queryset(changes)
        shown += changes.order_by("-id")[:SIZE]
    shown = sorted(shown, key=lambda change: -change.pk)[:SIZE]
    return office.show(
        "audit",
        "Audit log",
        changes=[(each, list(_differences(each.before, each.after))) for each in shown],
        following=shown[-1].id if len(shown) == SIZE else None,
        sees_all=office.may("PUT", "/configuration"),
    )


def _up_to(rows: Any) -> str:
    count = rows[:MOST].count()
    return f"more than {MOST}" if count == MOST else str(count)


def _differences(before: Any, after: Any, path: str = "") -> Any:
    """Return the differing values as path, before, after."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            yield from _differences(
                before.get(name), after.get(name), f"{path}.{name}" if path else name
            )
    elif path:
        yield path, before, after
    else:
        for name, value in (before if after is None else after or {}).items():
            empty = value in (None, [], {}, "")
            if not empty:
                yield (name, value, None) if after is None else (name, None, value)
