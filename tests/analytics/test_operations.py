"""The history of operations: samples of what waits, and failed tasks."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from celery.signals import task_failure
from django.utils import timezone

from analytics.actions import sampling
from analytics.models import FailedTask, OperationsSample
from bulkjobs.models import BulkJob
from contacthub_project.db import gauges
from tests.back_office.office import Staff
from tests.factories import Hub


def values_of(page: Any, title: str) -> list[float]:
    """The points of a chart of the page."""
    chart = next(each for each in page.answer.context["charts"] if each.title == title)
    points: list[float] = json.loads(chart.data)["datasets"][0]["data"]
    return points


def test_what_waits_is_sampled_for_some_days(hub: Hub) -> None:
    moment = timezone.now()
    BulkJob.objects.create(
        workspace_id=hub.workspace.id, node_id=hub.node.id, filename="a.csv", entity="CUSTOMER",
        operation="UPSERT", status="LOADED", created_at=moment, updated_at=moment,
    )  # fmt: skip
    hub.post_customer()
    for days in (4, 2):
        OperationsSample.objects.create(
            workspace_id=hub.workspace.id, taken_at=moment - timedelta(days=days), free_bytes=1
        )
    sampling.sample_all()
    kept = list(OperationsSample.objects.in_workspace(hub.workspace.id).order_by("taken_at"))
    assert len(kept) == 2
    assert kept[0].free_bytes == 1
    waiting = kept[1].waiting
    assert waiting == gauges.read(hub.workspace.id)
    assert (waiting["jobs"], waiting["feed"], waiting["deliveries"]) == (1, 1, 0)
    assert waiting["counting"] >= 1
    assert kept[1].free_bytes > 1


def test_lag_is_how_far_consumers_are_behind_the_feed(hub: Hub) -> None:
    for name in ("Shop", "Till"):
        body = {"name": name, "url": "https://hooks.example/"}
        assert hub.admin.post(f"{hub.path}/webhooks", body).status == 201
    for _ in range(3):
        hub.post_customer()
    last = hub.admin.get(f"{hub.path}/updates")["updates"][-1]["offset"]
    read = gauges.read(hub.workspace.id)
    assert read["feed"] == 0
    assert 3 <= read["deliveries"] <= last


def test_the_page_draws_the_greatest_of_each_hour(hub: Hub) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)
    for minutes, count in ((0, 7), (20, 3), (60, 4), (80, 9), (200, 2)):
        OperationsSample.objects.create(
            workspace_id=hub.workspace.id, taken_at=hour + timedelta(minutes=minutes),
            waiting={"counting": count}, free_bytes=2**20 * (50 + minutes),
        )  # fmt: skip
    operator, admin = Staff(hub, "CLAB_OPERATOR"), Staff(hub, "ADMIN")
    page = operator.open("operations")
    assert values_of(page, "Changes to be counted") == [7, 9, 2]
    assert values_of(page, "Free space on the disk") == [50, 110, 250]
    assert "Free space" not in admin.open("operations"), "the disk is the installation's"
    assert values_of(admin.open("operations"), "Changes to be counted") == [7, 9, 2]
    user = Staff(hub, "USER", grants={hub.node: "R"}).open("operations")
    assert user.answer.context["charts"] == []


def test_failed_tasks_are_kept_without_what_their_text_quotes(hub: Hub) -> None:
    def fail() -> None:
        raise ValueError("ada@example.com is odd")

    with pytest.raises(ValueError, match="odd") as caught:
        fail()

    class Task:
        name = "customers.tasks.deliver"

    task_failure.send(sender=Task, exception=caught.value)
    failed = FailedTask.objects.get()
    assert (failed.name, failed.kind) == ("customers.tasks.deliver", "ValueError")
    assert failed.place.startswith("tests/analytics/test_operations.py:")
    page = Staff(hub, "CLAB_OPERATOR").open("operations")
    assert "customers.tasks.deliver" in page
    assert "ada@example.com" not in page.html
    assert "customers.tasks.deliver" not in Staff(hub, "ADMIN").open("operations")


def test_failed_tasks_are_bounded(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MOST_FAILURES", 3)
    FailedTask.objects.create(name="old", failed_at=timezone.now() - timedelta(days=31), kind="E")
    for number in range(5):
        FailedTask.objects.create(name=str(number), failed_at=timezone.now(), kind="E")
    sampling.sample_all()
    assert set(FailedTask.objects.values_list("name", flat=True)) == {"2", "3", "4"}
