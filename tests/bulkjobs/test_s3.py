"""Files in an S3-compatible storage, through django-storages: the settings that docs/production.md says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.files.storage import default_storage
from moto.server import ThreadedMotoServer

from bulkjobs.actions import processing, storage
from bulkjobs.actions.exporting import write_exports
from bulkjobs.models import BulkJob
from customers.models import Customer
from tests.bulkjobs.test_fairness import people
from tests.bulkjobs.test_jobs import done, outcomes, process, upload
from tests.factories import Hub

pytestmark = pytest.mark.filterwarnings("default")
BUCKET = "contacthub"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture(autouse=True)
def bucket(server: str, settings: Any, tmp_path: Path) -> Any:
    options = {
        "bucket_name": BUCKET, "endpoint_url": server, "region_name": "us-east-1",
        "access_key": "test", "secret_key": "test",
    }  # fmt: skip
    client = boto3.client(
        "s3", endpoint_url=server, region_name="us-east-1",
        aws_access_key_id="test", aws_secret_access_key="test",
    )  # fmt: skip
    client.create_bucket(Bucket=BUCKET)
    settings.DATA = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options},
    }
    yield client
    assert stored(client) == []
    client.delete_bucket(Bucket=BUCKET)


def stored(client: Any) -> list[str]:
    return [each["Key"] for each in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_a_job_and_an_export(hub: Hub, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processing, "CHUNK", 5)
    monkeypatch.setattr(processing, "SLICE_SECONDS", 0.0)
    downloads = []
    real = storage._opened

    def opened(name: str) -> Any:
        downloads.append(name)
        return real(name)

    job = upload(hub, people("p", 12))
    assert job["status"] == "LOADED", job.content
    assert len(stored(bucket)) == 1
    monkeypatch.setattr(storage, "_opened", opened)
    assert process(seconds=60)
    assert len(downloads) == 1, "once for all slices"
    assert Customer.objects.count() == 12
    assert os.listdir(storage._copies()) == []
    raw = "externalId;base.firstName;base.contacts.email\n1;Zoë;z@x.it\n".encode("cp1252")
    assert outcomes(done(hub, raw)) == ["created"]  # type: ignore[arg-type]
    path = f"{hub.path}/nodes/{hub.node.id}/exports"
    export = hub.trusted.post(path)["id"]
    write_exports(between_pieces=lambda: None)
    assert hub.trusted.get(f"{path}/{export}/file").content.count(b"\n") == 14
    assert len(stored(bucket)) == 1
    default_storage.delete(stored(bucket)[0])


def test_a_refused_file_leaves_nothing_behind(hub: Hub) -> None:
    assert upload(hub, "no.such\n")["status"] == "FAILED"
    assert upload(hub, "no.such\nò\n".encode("cp1252"))["status"] == "FAILED"


def test_a_storage_that_is_away_is_tried_again(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.utils import timezone

    upload(hub, people("p", 2))

    def away(name: str) -> Any:
        raise OSError("away")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "_copy_of", away)
        assert process(seconds=60)
    assert BulkJob.objects.get().status == "LOADED"
    BulkJob.objects.update(available_at=timezone.now())
    assert process(seconds=60)
    assert BulkJob.objects.get().status == "PROCESSED"


def test_copies_are_bounded(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = storage._copies()
    for number in range(5):
        (folder / str(number)).write_bytes(b"x" * 10)
        os.utime(folder / str(number), (2e9 + number, 2e9 + number))
    settings.FILE_COPIES_BYTES = 35
    storage.remove_old_copies(room=10)
    assert sorted(each.name for each in folder.iterdir()) == ["3", "4"]
    os.utime(folder / "4", (1, 1))
    storage.remove_old_copies()
    assert [each.name for each in folder.iterdir()] == ["3"]
    storage.forget_copy("bulk-jobs/3")
    storage.forget_copy("bulk-jobs/none")
    assert list(folder.iterdir()) == []
