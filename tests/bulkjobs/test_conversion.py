"""Workbooks are brought into the form that rows are read from by the job, not by the upload."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.core.files.storage import default_storage

from bulkjobs.actions import conversion, processing
from bulkjobs.actions.processing import stop_job
from bulkjobs.models import BulkJob
from tests.bulkjobs.test_fairness import people
from tests.bulkjobs.test_files import book
from tests.bulkjobs.test_jobs import Killed, jobs_path, outcomes, process, results, upload
from tests.factories import Hub

ROWS = [["base.contacts.email"], *([f"w{number}@x.it"] for number in range(2500)), [], ["w1@x.it"]]


def files() -> list[str]:
    return sorted(default_storage.listdir("bulk-jobs")[1])


def test_the_upload_stores_it_and_the_job_converts_it(hub: Hub) -> None:
    job = upload(hub, book(ROWS))
    assert (job["status"], job["totalEntities"]) == ("LOADED", 0), job.content
    stored = BulkJob.objects.get(id=job["id"])
    assert stored.is_raw
    with default_storage.open(stored.file.name) as file:
        assert file.read(2) == b"PK"
    assert process(seconds=60)
    reported = hub.trusted.get(f"{jobs_path(hub)}/{job['id']}")
    counts = (reported["status"], reported["totalEntities"], reported["processedEntities"])
    assert counts == ("PROCESSED", 2501, 2501)
    assert outcomes(results(hub, job)) == ["created"] * 2500 + ["unchanged"]
    assert not files()


@pytest.mark.parametrize("rows", [[], [["nonsense"], ["a"]], [["base.contacts.email"] * 2]])
def test_an_unusable_file_is_refused_by_the_upload(hub: Hub, rows: list[Any]) -> None:
    job = upload(hub, book(rows))
    assert job["status"] == "FAILED"
    assert job["errorMessage"]
    assert not files()


def test_others_are_worked_on_while_one_is_converted(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "LOOK_SECONDS", 0.0)
    large, other = upload(hub, book(ROWS)), upload(hub, book(ROWS[:2]))
    short = upload(hub, people("c", 1))
    seen = []
    whole = processing.process

    def watched(**options: Any) -> bool:
        done = whole(**options)
        status = {str(each.id): each.status for each in BulkJob.objects.all()}
        seen.append((status[large["id"]], status[short["id"]]))
        return done

    monkeypatch.setattr(processing, "process", watched)
    assert process(seconds=60)
    assert ("LOADED", "PROCESSED") in seen
    assert len(results(hub, other)) == 1
    assert len(results(hub, large)) == 2501


def test_one_that_is_stopped_meanwhile_is_left_and_gone_on_with_later(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "LOOK_SECONDS", 0.0)
    job = BulkJob.objects.get(id=upload(hub, book(ROWS))["id"])
    with monkeypatch.context() as patched:
        patched.setattr(processing, "process", lambda **_: stop_job(job))
        processing._process_slice(processing._claimed(float("inf")))  # type: ignore[arg-type]
    job.refresh_from_db()
    assert (job.status, job.is_raw) == ("STOPPED", True)
    assert files() == [str(job.file.name).removeprefix("bulk-jobs/")]
    processing.resume_job(job)
    assert process(seconds=60)
    job.refresh_from_db()
    assert (job.status, job.total) == ("PROCESSED", 2501)


def test_a_worker_that_is_killed_meanwhile_leaves_it_to_the_next(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "LOOK_SECONDS", 0.0)
    job = upload(hub, book(ROWS))

    def killed(**_: Any) -> bool:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(processing, "process", killed)
        with pytest.raises(Killed):
            processing._process_slice(processing._claimed(float("inf")))  # type: ignore[arg-type]
    assert process(seconds=60)
    assert len(results(hub, job)) == 2501
    assert not files()


def test_one_that_is_damaged_further_on_fails_with_the_reason(hub: Hub) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book(ROWS))) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            if member.filename == "xl/worksheets/sheet1.xml":
                content = content[: len(content) // 2]
            new.writestr(member.filename, content)
    job = upload(hub, out.getvalue())
    assert job["status"] == "LOADED", job.content
    assert process(seconds=60)
    reported = hub.trusted.get(f"{jobs_path(hub)}/{job['id']}")
    assert reported["status"] == "FAILED"
    assert "the workbook is damaged" in reported["errorMessage"]
    assert not files()
