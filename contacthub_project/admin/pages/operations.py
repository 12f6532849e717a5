"""The page of health, queues and recent tasks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from analytics.admin.charts import BarChart, HistoryChart, bar_chart, history_chart
from analytics.models import Delta, FailedTask, Ledger, OperationsSample
from analytics.queries.operations import samples_since
from bulkjobs.models import BulkJob
from configuration.domain.permissions import reads_whole_workspace
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.site import page
from customers.models import AggregateBuild, Change, PendingMerge
from events.models import DroppedEvents, PurgeRun

JOBS = "/nodes/{nodeId}/bulk-jobs"
MOST = 10_000
DROPPED_DAYS = timedelta(days=30)
HISTORY_HOURS = 72
JOB_DAYS = 14
SHOWN_FAILURES = 10
MEBIBYTE = 2**20


@page("operations/", "operations")
def operations(office: WorkspaceContext) -> HttpResponseBase:
    """Show health, queues with their history, purges, recounts, feed, dropped events and jobs.

    People with grants see queues and jobs of the nodes that they may read, and neither purges nor
    counters, which are of the whole workspace. Disk and failed tasks, which are of the
    installation, are for operators.
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
    purges = PurgeRun.objects.in_workspace(office.workspace_id).order_by("-started_at")
    return office.show(
        "operations",
        _("Operations"),
        health=health.json,
        is_well=health.is_good,
        waiting=[
            (_("Changes to be counted"), _up_to(Delta.objects.filter(**here))),
            (_("Aggregate customers to be merged"), _up_to(PendingMerge.objects.filter(**merges))),
            (_("Aggregate nodes being built"), AggregateBuild.objects.filter(**here).count()),
            (_("Bulk jobs to be done"), jobs.to_do().count()),
            (_("Changes in the update stream"), _up_to(Change.objects.filter(**here))),
        ],
        sees_all=sees_all,
        charts=_history(office) if sees_all else [],
        jobs_chart=_jobs_by_day(jobs),
        failures=_failures(office),
        tasks_page=reverse("admin:django_celery_beat_periodictask_changelist"),
        ledger=ledger,
        dropped=DroppedEvents.objects.filter(**here).totals_since(
            office.workspace_id, datetime.now(UTC).date() - DROPPED_DAYS
        ),
        purges=purges[:5] if sees_all else (),
        jobs=jobs.order_by("-created_at")[:10],
    )


def _history(office: WorkspaceContext) -> list[HistoryChart]:
    """Return the charts of what waited during the last hours, by the greatest of each hour."""
    first = timezone.now() - timedelta(hours=HISTORY_HOURS)
    samples = samples_since(office.workspace_id, first)
    if not samples:
        return []
    titles = {
        "counting": _("Changes to be counted"),
        "feed": _("Changes without an offset"),
        "segments": _("Changes that segments are behind"),
        "deliveries": _("Changes that webhooks are behind"),
        "merging": _("Aggregate customers to be merged"),
        "jobs": _("Imports and exports to be done"),
    }
    hours = _by_hour(samples)
    charts = [
        history_chart(
            title,
            [(hour, max(each.waiting.get(name, 0) for each in of_hour)) for hour, of_hour in hours],
        )
        for name, title in titles.items()
    ]
    if office.is_operator:
        free = [(hour, min(each.free_bytes for each in of_hour)) for hour, of_hour in hours]
        points = [(hour, least // MEBIBYTE) for hour, least in free]
        charts.append(history_chart(_("Free space on the disk"), points, unit="MiB"))
    return charts


def _by_hour(samples: Sequence[OperationsSample]) -> list[tuple[datetime, list[OperationsSample]]]:
    """Return the samples of each hour; the latest sample stands for itself."""
    hours: dict[datetime, list[OperationsSample]] = {}
    for each in samples[:-1]:
        hour = each.taken_at.replace(minute=0, second=0, microsecond=0)
        hours.setdefault(hour, []).append(each)
    return [*hours.items(), (samples[-1].taken_at, [samples[-1]])]


def _jobs_by_day(jobs: Any) -> BarChart | None:
    """Return how many imports began on each of the last days; None without any."""
    first = timezone.localdate() - timedelta(days=JOB_DAYS - 1)
    counted = dict(
        jobs.filter(created_at__gte=timezone.now() - timedelta(days=JOB_DAYS))
        .annotate(day=TruncDate("created_at"))
        .order_by()
        .values_list("day")
        .annotate(count=Count("id"))
    )
    if not counted:
        return None
    days = [first + timedelta(days=number) for number in range(JOB_DAYS)]
    return bar_chart(
        _("Imports by day"),
        [date_format(day, "j M") for day in days],
        [Decimal(counted.get(day, 0)) for day in days],
    )


def _failures(office: WorkspaceContext) -> Any:
    """Return the latest failed tasks of the installation, for operators; None for others."""
    if not office.is_operator:
        return None
    return FailedTask.objects.order_by("-failed_at")[:SHOWN_FAILURES]


def _up_to(rows: Any) -> str:
    count = rows[:MOST].count()
    return _("more than %s") % MOST if count == MOST else str(count)
