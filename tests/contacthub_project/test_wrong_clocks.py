"""Clocks that are put ahead or back: what is due is done all the same."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import current_app
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import ModelEntry

from bulkjobs.actions.claims import LEASE_SECONDS
from bulkjobs.actions.exporting import write_exports
from bulkjobs.models import BulkJob, ExportJob
from contacthub_project.messaging import enqueue as enqueueing
from contacthub_project.runtime import schedule
from contacthub_project.runtime.schedule import Entry, Scheduler
from customers.actions import deliveries
from customers.models import Webhook, WebhookAttempt
from tests.bulkjobs.test_jobs import process, upload
from tests.customers.test_webhooks import deliver, receiver
from tests.customers.test_webhooks import make as make_webhook
from tests.customers.webhook_receiver import Receiver, answers
from tests.factories import Hub

__all__ = ["receiver"]  # a fixture

HOURS = timedelta(hours=5)


@pytest.fixture
def task(transactional_db: None) -> PeriodicTask:
    every, _ = IntervalSchedule.objects.get_or_create(every=5, period=IntervalSchedule.SECONDS)
    return PeriodicTask.objects.create(
        name="often", task="t", interval=every, last_run_at=datetime.now(UTC) + HOURS
    )


def test_what_ran_in_the_future_is_due_after_its_interval(task: PeriodicTask) -> None:
    assert ModelEntry(task, app=current_app).is_due().next > 3600, "as the library has it"
    due = Entry(task, app=current_app).is_due()
    assert not due.is_due
    assert due.next <= 5
    task.last_run_at = datetime.now(UTC) - timedelta(seconds=6)
    assert Entry(task, app=current_app).is_due().is_due


def test_the_schedule_is_computed_anew_when_the_clock_is_put_back(
    task: PeriodicTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(Scheduler, "apply_entry", lambda _, entry, **__: sent.append(entry.task))
    monkeypatch.setattr(Scheduler, "setup_schedule", lambda _: None)
    monkeypatch.setattr(Scheduler, "producer", None)
    scheduler = Scheduler(current_app._get_current_object())
    scheduler._finalize.cancel()  # or it would write when the tests have ended
    assert 0 < scheduler.tick() <= 5
    scheduler._heap = [scheduler._heap[0]._replace(time=time.time() + HOURS.total_seconds())]
    PeriodicTask.objects.update(last_run_at=datetime.now(UTC) - timedelta(seconds=6))
    assert scheduler.tick() == pytest.approx(5, abs=0.1), "it is asked again in five seconds"
    assert sent == []
    before = time.monotonic()
    monkeypatch.setattr(schedule.time, "monotonic", lambda: before + HOURS.total_seconds())
    while scheduler.tick() == 0:
        pass
    assert sent == ["t"]


def in_the_future(rows: Any, *columns: str) -> None:
    rows.update(**dict.fromkeys(columns, datetime.now(UTC) + HOURS))


def test_what_was_claimed_before_the_clock_was_put_back_is_gone_on_with(hub: Hub) -> None:
    job = upload(hub, "base.contacts.email\nada@example.com\n")
    export_path = f"{hub.path}/nodes/{hub.node.id}/exports"
    export = hub.trusted.post(export_path, {})
    assert (job.status, export.status) == (201, 202), export.json
    in_the_future(BulkJob.objects, "available_at")
    in_the_future(ExportJob.objects, "available_at")
    process(seconds=5)
    write_exports(between_pieces=lambda: None)
    ended = (BulkJob.objects.get().status, ExportJob.objects.get().status)
    assert ended == ("PROCESSED", "PROCESSED")


def test_a_claim_is_another_workers_as_long_as_it_can_last(hub: Hub) -> None:
    upload(hub, "base.contacts.email\nada@example.com\n")
    soon = datetime.now(UTC) + timedelta(seconds=LEASE_SECONDS)
    BulkJob.objects.update(available_at=soon)
    process(seconds=5)
    assert BulkJob.objects.get().status == "LOADED"


def test_webhooks_are_served_though_the_clock_was_put_back(hub: Hub, receiver: Receiver) -> None:
    receiver.answering = answers(500)
    make_webhook(hub, receiver)
    hub.post_customer()
    deliver()
    assert [each.status for each in WebhookAttempt.objects.all()] == [500]
    in_the_future(Webhook.objects, "next_attempt_at")
    deliver()
    assert len(receiver.messages) == 1, "it was put off, and the clock was right"
    in_the_future(WebhookAttempt.objects, "attempted_at")
    in_the_future(Webhook.objects, "claimed_until")
    receiver.answering = answers(200)
    deliver()
    assert len(receiver.messages) == 2


def test_a_new_webhook_is_served_though_the_clock_was_put_back(
    hub: Hub, receiver: Receiver
) -> None:
    make_webhook(hub, receiver)
    in_the_future(Webhook.objects, "next_attempt_at")
    hub.post_customer()
    deliver()
    assert len(receiver.messages) == 1


def test_a_webhook_is_served_after_a_fault_of_ours_though_the_clock_was_put_back(
    hub: Hub, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise RuntimeError

    webhook = make_webhook(hub, receiver)
    hub.post_customer()
    with monkeypatch.context() as patched:
        patched.setattr(deliveries, "_prepare", fails)
        deliver()
    path = f"{hub.path}/webhooks/{webhook['id']}/attempts"
    (attempt,) = hub.admin.get(path)["elements"]
    assert (attempt["error"], attempt["messageId"]) == ("internal error: RuntimeError", "")
    deliver()
    assert receiver.messages == [], "it was put off, and the clock was right"
    in_the_future(Webhook.objects, "next_attempt_at")
    in_the_future(WebhookAttempt.objects, "attempted_at")
    deliver()
    assert len(receiver.messages) == 1


def test_a_message_that_is_sent_later_names_no_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, dict[str, Any]]] = []
    second = threading.Event()

    def send(task: str, **options: Any) -> None:
        if task != "only here":  # what threads of other tests have left
            return
        sent.append((task, options))
        if len(sent) == 2:
            second.set()

    monkeypatch.setattr(current_app._get_current_object(), "send_task", send)
    started = time.monotonic()
    for _ in range(5):
        enqueueing.enqueue("only here")
    assert second.wait(5)
    assert time.monotonic() - started >= 0.9
    time.sleep(0.2)
    assert sent == [("only here", {"retry": False})] * 2
