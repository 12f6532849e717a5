"""`.venv/bin/python -m tests.benchmarks.bulk`: bulk jobs against COPY of the same rows.

Customers into an empty node and again over themselves, events; the worker's peak memory for a tenth
of the rows and for all of them. BENCHMARK_ROWS makes it smaller.
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from tests.benchmarks.__main__ import ROOT, running_product

ROWS = int(os.environ.get("BENCHMARK_ROWS", "200000"))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with running_product(data) as facts:
            print(f"{'':34} {'COPY/s':>9} {'ours/s':>9} {'ratio':>7} {'peak MB':>8}")
            for part in ("small", "customers", "again", "events"):
                done = subprocess.run(
                    [sys.executable, "-m", "tests.benchmarks.bulk", part, json.dumps(facts)],
                    env=os.environ | {"CONTACTHUB_DATA": str(data), "LOG_LEVEL": "ERROR"},
                    cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
                )  # fmt: skip
                print(done.stdout, end="", flush=True)


def part(name: str, facts: dict[str, Any]) -> None:
    """One measurement, in a process of its own."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "contacthub_project.settings"
    import django

    django.setup()
    from uuid import UUID

    from django.core.files.base import File
    from django.core.files.storage import default_storage
    from django.db import connection

    from bulkjobs.actions.loading import Upload, load_job
    from bulkjobs.actions.processing import process
    from configuration.queries.rules import latest_rules_of
    from contacthub_project.api.uploads import StoredUpload
    from contacthub_project.core.principal import Principal
    from customers.domain.invented_people import invented_person

    workspace = latest_rules_of(UUID(facts["workspaceId"]))
    assert workspace is not None
    node = workspace.nodes[UUID(facts["nodeIds"][0 if name != "small" else 1])]
    count = ROWS // 10 if name == "small" else ROWS
    entity = "EVENT" if name == "events" else "CUSTOMER"
    with tempfile.TemporaryFile() as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8", newline="", write_through=True)
        if entity == "CUSTOMER":
            text.write("externalId,base.contacts.email,base.firstName,base.lastName,tags.manual\n")
            for number in range(count):
                person = invented_person(Random(number), number)
                base = person["base"]
                mail = base["contacts"]["email"]
                text.write(f"C{number},{mail},{base['firstName']},{base['lastName']},{name}\n")
        else:
            text.write("externalId,context,date,properties.url\n")
            for number in range(count):
                text.write(f"C{number},WEB,2026-01-01,https://shop.example/{number}\n")
        raw.seek(0)
        operation = "INSERT" if entity == "EVENT" else "UPSERT"
        event_type = "viewedPage" if entity == "EVENT" else None
        by = Principal(frozenset({"TRUSTED_APPLICATION"}), None, None, source_id=UUID(int=1))
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
        _leave_it_to_us()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        stored_as = default_storage.save("bulk-jobs/f.csv", File(raw, "f.csv"))
        file = StoredUpload("f.csv", stored_as, 0, None)
        upload = Upload(file, "f.csv", operation, entity, event_type)
        job = load_job(workspace, node, upload, by=by)
        while not process(seconds=3600):
            pass
        job.refresh_from_db()
        rate = count / (time.perf_counter() - started)
        assert job.failed == 0, job.failed
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    copied = _copied(
        connection, "events_event" if entity == "EVENT" else "customers_customer", count
    )
    label = f"{entity.lower()}s, {name} ({count})"
    print(
        f"{label:34} {copied:9.0f} {rate:9.0f} {rate / copied:7.2f} {peak:8.0f}  ({before // 1024})"
    )


def _leave_it_to_us() -> None:
    """Keep the product's own workers from our job."""
    from django_celery_beat.models import PeriodicTask, PeriodicTasks

    from bulkjobs.actions import loading

    loading.enqueue_on_commit = lambda task: None
    PeriodicTask.objects.filter(task=loading.TASK).update(enabled=False)
    PeriodicTasks.update_changed()


def _copied(connection: Any, table: str, count: int) -> float:
    """Rows a second that COPY brings into tables like the two that a write goes to."""
    with connection.cursor() as cursor:
        data, changes = io.BytesIO(), io.BytesIO()
        for source, out in ((table, data), ("customers_change", changes)):
            with cursor.copy(f"COPY (SELECT * FROM {source} LIMIT {count}) TO STDOUT") as copy:
                for block in copy:
                    out.write(block)
            cursor.execute(f"DROP TABLE IF EXISTS twin_{source}")
            cursor.execute(f"CREATE TABLE twin_{source} (LIKE {source} INCLUDING ALL)")
        started = time.perf_counter()
        for source, out in ((table, data), ("customers_change", changes)):
            with cursor.copy(f"COPY twin_{source} FROM STDIN") as copy:
                copy.write(out.getvalue())
        return count / (time.perf_counter() - started)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        part(sys.argv[1], json.loads(sys.argv[2]))
    else:
        main()
