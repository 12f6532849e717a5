"""Samples what waits in each workspace, and keeps failed tasks for some days."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from analytics.models import FailedTask, OperationsSample
from configuration.models import Workspace
from contacthub_project.db import gauges
from contacthub_project.runtime.disk import free_bytes
from contacthub_project.runtime.logs import failure_details

SAMPLES_KEPT = timedelta(days=3)
FAILURES_KEPT = timedelta(days=30)
MOST_FAILURES = 1_000


def sample_all() -> None:
    """Take a sample of each workspace; removes what is too old."""
    moment, free = timezone.now(), free_bytes(settings.DATA)
    for workspace_id in Workspace.objects.present().values_list("id", flat=True).iterator():
        samples = OperationsSample.objects.in_workspace(workspace_id)
        samples.filter(taken_at__lt=moment - SAMPLES_KEPT).delete()
        OperationsSample.objects.create(
            workspace_id=workspace_id,
            taken_at=moment,
            waiting=gauges.read(workspace_id),
            free_bytes=free,
        )
    _remove_old_failures()


def record_failure(task: str, failure: BaseException) -> None:
    """Keep that a task has failed."""
    details = failure_details(failure)
    FailedTask.objects.create(
        name=task[:200],
        failed_at=timezone.now(),
        kind=details["kind"][:200],
        cause=details["cause"],
        place=_place(details["trace"])[:300],
    )


def _place(trace: list[str]) -> str:
    """Return the innermost frame of our own code, else the innermost of all."""
    root = f"{Path(settings.BASE_DIR)}/"
    own_frames = [each for each in trace if each.startswith(root) and "/site-packages/" not in each]
    innermost = next(reversed(own_frames or trace), "")
    return innermost.removeprefix(root)


def _remove_old_failures() -> None:
    FailedTask.objects.filter(failed_at__lt=timezone.now() - FAILURES_KEPT).delete()
    first = FailedTask.objects.order_by("-id")[MOST_FAILURES : MOST_FAILURES + 1]
    for oldest in first.values_list("id", flat=True):
        FailedTask.objects.filter(id__lte=oldest).delete()
