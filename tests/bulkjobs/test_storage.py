"""Where uploads go while they come in, and what is left of those that become no job."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.core.files.storage import default_storage
from django.core.files.storage.memory import InMemoryStorage
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.utils import timezone

from bulkjobs.actions import processing, removal
from bulkjobs.api.viewsets import jobs
from bulkjobs.models import BulkJob
from contacthub_project.api import requests, uploads
from contacthub_project.runtime import disk
from tests.bulkjobs.test_jobs import BOUNDARY, done, form, jobs_path, outcomes, process, upload
from tests.client import Answer
from tests.factories import Hub

FILE = "base.contacts.email\na@x.it\n"


def stored() -> list[str]:
    return default_storage.listdir("bulk-jobs")[1]


def send(hub: Hub, raw: bytes) -> Answer:
    content_type = f"multipart/form-data; boundary={BOUNDARY}"
    return hub.trusted.post(jobs_path(hub), raw=raw, content_type=content_type)


def test_a_file_goes_straight_to_where_it_stays(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Nothing is written to the system's temporary folder."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "nowhere")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    monkeypatch.delattr(TemporaryFileUploadHandler, "new_file")
    content = "base.contacts.email\n" + "".join(f"p{each}@x.it\n" for each in range(20_000))
    job = upload(hub, content)
    assert job["totalEntities"] == 20_000
    (name,) = stored()
    assert (tmp_path / "bulk-jobs" / name).read_text() == content


def test_other_files_of_the_form_are_not_kept(hub: Hub) -> None:
    more = form(b"x", operation="UPSERT").replace(b'name="file"', b'name="other"')
    raw = more.rsplit(b"--" + BOUNDARY.encode() + b"--", 1)[0] + form(FILE.encode())
    assert send(hub, raw).status == 201
    assert len(stored()) == 1
    assert outcomes(done(hub, FILE)) == ["unchanged"]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (form(FILE.encode(), operation="NONSENSE"), 400),
        (form(FILE.encode()), 400),
        (form(FILE.encode(), operation="UPSERT").rsplit(b"--" + BOUNDARY.encode() + b"--", 1)[0], 400),
        (form(FILE.encode(), operation="UPSERT")[:-60], 400),
        (form(b"no such column\n1\n", operation="UPSERT"), 201),
        (form(FILE.encode(), operation="UPSERT").replace(b'name="file"', b'name="other"'), 400),
    ],
)  # fmt: skip
def test_what_becomes_no_job_leaves_nothing(hub: Hub, raw: bytes, status: int) -> None:
    assert send(hub, raw).status == status
    assert stored() == []


@pytest.mark.parametrize(("operation", "status"), [("UPSERT", 503), ("NONSENSE", 400)])
def test_a_storage_that_breaks_meanwhile_is_no_internal_error(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, status: int
) -> None:
    """Neither is what was received deleted then, nor does that hide what was wrong before."""
    upload_of = jobs.upload_of

    def breaking(request: Any) -> Any:
        folder = tmp_path / "bulk-jobs"
        assert request.FILES
        folder.rename(tmp_path / "aside")
        folder.write_text("in the way")
        return upload_of(request)

    monkeypatch.setattr(jobs, "upload_of", breaking)
    assert send(hub, form(FILE.encode(), operation=operation)).status == status
    assert not BulkJob.objects.exists()


def test_a_form_that_is_too_large_or_breaks_off_leaves_nothing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While its file is being written."""
    real, reads = requests.FormStream.read, []

    def read(stream: Any, size: int | None = -1) -> bytes:
        reads.append(len(stored()))
        if len(reads) > 3:
            raise RequestDataTooBig
        return real(stream, size)

    monkeypatch.setattr(requests.FormStream, "read", read)
    answer = send(hub, form(b"x" * 1_000_000, operation="UPSERT"))
    assert (answer.status, max(reads)) == (413, 1), "it had begun"
    assert stored() == []


def test_a_job_too_many_leaves_nothing(hub: Hub) -> None:
    for _ in range(10):
        assert upload(hub, FILE).status == 201
    assert upload(hub, FILE).status == 409
    assert len(stored()) == 10


class FullDisk(InMemoryStorage):
    """Opens a device that has no room: what the system says of a full disk."""

    def _open(self, name: str, mode: str) -> Any:
        return open("/dev/full", "wb") if "w" in mode else super()._open(name, mode)


@pytest.mark.parametrize("size", [100, 1_000_000])
def test_a_full_disk_is_reported_and_affects_nothing_else(
    live_hub: Hub, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    storage = FullDisk()
    waiting = upload(live_hub, FILE)
    with monkeypatch.context() as patched:
        patched.setattr(default_storage, "_wrapped", storage)
        answer = upload(live_hub, "base.contacts.email\n" + "x" * size)
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert "cannot be stored" in answer["message"]
        assert storage.listdir("bulk-jobs")[1] == []
        assert live_hub.post_customer()["id"]
    assert [str(job.id) for job in BulkJob.objects.all()] == [waiting["id"]]
    assert processing.process(seconds=60)


def test_uploads_leave_room_for_the_rest(
    hub: Hub, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "BYTES_BETWEEN_CHECKS", 100_000)
    free = iter([10**9, 10**9, 0])
    monkeypatch.setattr(disk, "free_bytes", lambda _: next(free))
    answer = upload(hub, "base.contacts.email\n" + "x" * 1_000_000)
    assert (answer.status, "room on the disk" in answer["message"]) == (503, True)
    assert stored() == []
    monkeypatch.undo()
    settings.FREE_BYTES = 10**18
    answer = upload(hub, FILE)
    assert (answer.status, int(answer.headers["Retry-After"]) >= 1) == (503, True)


def test_files_of_no_job_are_removed_after_a_day(hub: Hub) -> None:
    job = upload(hub, FILE)
    (kept,) = stored()
    with default_storage.open("bulk-jobs/stray.csv", "wb") as file:
        file.write(b"x")
    day = timedelta(days=1)
    assert removal.remove_stray_files(stored_before=timezone.now() - day) == 0
    assert removal.remove_stray_files(stored_before=timezone.now() + day) == 1
    assert stored() == [kept]
    assert process(seconds=60)
    assert hub.trusted.get(f"{jobs_path(hub)}/{job['id']}")["status"] == "PROCESSED"


def test_any_storage_of_djangos_will_do(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = InMemoryStorage()
    monkeypatch.setattr(default_storage, "_wrapped", storage)
    assert outcomes(done(hub, FILE)) == ["created"]
    assert storage.listdir("bulk-jobs")[1] == []
    assert removal.remove_stray_files(stored_before=timezone.now()) == 0
