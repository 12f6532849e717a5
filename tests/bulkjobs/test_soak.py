"""Jobs and exports of several workspaces, done by workers that are killed again and again."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection

from bulkjobs.models import BulkJob, ExportJob, Result
from customers.models import Change, Customer
from events.models import Event
from tests.bulkjobs.test_fairness import people
from tests.bulkjobs.test_files import book
from tests.bulkjobs.test_jobs import upload
from tests.factories import Hub
from tests.processes import PROGRAM, ROOT

WORKERS, KILLS = 2, 6
LONGEST = 90.0  # seconds


def work(media: str) -> None:
    """A worker, who does what there is until nothing is left; his claims run out soon."""
    from bulkjobs.actions import claims, conversion, exporting, processing

    settings.MEDIA_ROOT = media
    claims.LEASE_SECONDS = processing.LEASE_SECONDS = exporting.LEASE_SECONDS = 2.0
    processing.CHUNK, processing.SLICE_SECONDS = 50, 0.2
    processing.AGAIN_SECONDS = 0.2
    exporting.MOST_ATTEMPTS = 100  # none is given up, however often it is hit
    exporting.LOOK_SECONDS = conversion.LOOK_SECONDS = 0.0
    while has_unfinished_jobs():
        exporting.write_exports(between_pieces=lambda: processing.process(seconds=0.2))
        processing.process(seconds=0.5)
        time.sleep(0.05)


def has_unfinished_jobs() -> bool:
    under_way = ExportJob.objects.filter(status__in=["LOADED", "PROCESSING"])
    return BulkJob.objects.to_do().exists() or under_way.exists()


def started() -> subprocess.Popen[str]:
    worker = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    task = {
        "database": connection.settings_dict["NAME"],
        "function": "tests.bulkjobs.test_soak:work",
        "given": {"media": str(settings.MEDIA_ROOT)},
    }
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(json.dumps(task) + "\n")
    worker.stdin.flush()
    assert worker.stdout.readline() == "ready\n"
    worker.stdin.write("go\n")
    worker.stdin.flush()
    return worker


def start_jobs(hub: Hub, name: str) -> dict[str, int]:
    """Jobs and an export of a workspace; how many rows each job has."""
    for number in range(30):
        hub.post_customer(
            nodeId=str(hub.other_node.id), base={"contacts": {"email": f"{number}@other.it"}}
        )
    known = hub.post_customer(externalId="K", base={"contacts": {"email": "known@x.it"}})["id"]
    events = "customerId,context,date,properties.url\n" + "".join(
        f"{known},WEB,2026-01-01,https://x.it/{number}\n" for number in range(400)
    )
    sheet = [["base.contacts.email"], *([f"{name}{number}@x.it"] for number in range(300))]
    jobs = {
        upload(hub, people(name, 600))["id"]: 600,
        upload(hub, people(name, 600))["id"]: 600,
        upload(hub, events, "INSERT", entity="EVENT", eventType="viewedPage")["id"]: 400,
        upload(hub, book(sheet))["id"]: 300,
    }
    for file_format in ("csv", "jsonl", "xlsx"):
        path = f"{hub.path}/nodes/{hub.other_node.id}/exports"
        assert hub.trusted.post(path, query={"format": file_format}).status == 202
    return jobs


@pytest.mark.timeout(300)
def test_every_row_is_applied_once_and_exports_are_whole(live_hub: Hub) -> None:
    hubs = [live_hub, Hub()]
    jobs = {
        job: rows
        for number, hub in enumerate(hubs)
        for job, rows in start_jobs(hub, f"n{number}p").items()
    }
    chance = random.Random(7)
    workers = [started() for _ in range(WORKERS)]
    try:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.3, 1.2))
            number = chance.randrange(WORKERS)
            workers[number].kill()
            workers[number].communicate()
            workers[number] = started()
        deadline = time.monotonic() + LONGEST
        while has_unfinished_jobs():
            assert time.monotonic() < deadline, list(
                BulkJob.objects.values_list("status", "position")
            )
            time.sleep(0.2)
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    statuses = {str(each.id): (each.status, each.processed) for each in BulkJob.objects.all()}
    assert statuses == {job: ("PROCESSED", rows) for job, rows in jobs.items()}
    for job, rows in jobs.items():
        lines = list(
            Result.objects.filter(job_id=job).order_by("row").values_list("row", flat=True)
        )
        assert lines == list(range(2, rows + 2))
    assert Event.objects.count() == 400 * len(hubs)
    made = Change.objects.filter(entity="CUSTOMER", operation="CREATE").values_list(
        "entity_id", flat=True
    )
    assert set(Counter(made).values()) == {1}
    assert len(made) == Customer.objects.count()
    outcomes = Counter(Result.objects.values_list("outcome", flat=True))
    assert outcomes["created"] + 31 * len(hubs) == Customer.objects.count() + Event.objects.count()
    assert outcomes["failed"] == 0
    for export in ExportJob.objects.all():
        assert (export.status, export.written) == ("PROCESSED", 30), export.error_message
        check_file(export)


def check_file(export: Any) -> None:
    with default_storage.open(export.file.name) as file:
        content = file.read()
    if export.file_format == "csv":
        assert len(list(csv.DictReader(io.StringIO(content.decode())))) == 30
    elif export.file_format == "jsonl":
        assert len([json.loads(line) for line in content.splitlines()]) == 30
