"""`.venv/bin/python -m tests.benchmarks.bulk`: bulk jobs against COPY of the same rows.

New customers, the same again with one change, and events that find them by external id. One process
works on a job for BENCHMARK_SECONDS at a time; after each such slice the rows that it wrote are
brought by COPY into tables with the same indexes, so both see the machine alike. CPU is that of the
client and of its PostgreSQL backend, in microseconds a row; memory that of the process, after the
first slice and after the last. BENCHMARK_ROWS (200000) and BENCHMARK_PARTS change how much is done.
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
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import IO, Any

import psutil
import psycopg

from tests.benchmarks.__main__ import ROOT, running_product
from tests.benchmarks.searches import address_of

ROWS = int(os.environ.get("BENCHMARK_ROWS", "200000"))
SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "2"))
PARTS = os.environ.get("BENCHMARK_PARTS", "customers again events").split()
# Tables that a job writes, and the rows of them that belong to some rows of the change feed.
TABLES = {"CUSTOMER": "customers_customer", "EVENT": "events_event"}
WRITTEN = """
SELECT written.* FROM {table} AS written
JOIN (
    SELECT DISTINCT workspace_id, entity_id FROM customers_change
    WHERE id > {after} AND id <= {last} AND entity = '{entity}'
) AS change ON written.workspace_id = change.workspace_id AND written.id = change.entity_id
"""
CHANGES = "SELECT * FROM customers_change WHERE id > {after} AND id <= {last}"


@dataclass(slots=True)
class Cost:
    """What some rows took: seconds, and seconds of CPU of the client and of PostgreSQL."""

    rows: int = 0
    seconds: float = 0.0
    client: float = 0.0
    database: float = 0.0

    def add(self, other: Cost) -> None:
        """Add what other rows took."""
        self.rows += other.rows
        self.seconds += other.seconds
        self.client += other.client
        self.database += other.database

    def cpu(self) -> str:
        """Microseconds of CPU a row: of the client and of PostgreSQL."""
        return f"{self.client / self.rows * 1e6:.0f}+{self.database / self.rows * 1e6:.0f}"


class Meter:
    """Measures what this process and a backend of PostgreSQL take from now on."""

    def __init__(self, backend: int) -> None:
        self._backend = psutil.Process(backend)
        self._before = self._read()

    def _read(self) -> tuple[float, float, float]:
        times = self._backend.cpu_times()
        return time.perf_counter(), time.process_time(), times.user + times.system

    def cost_of(self, rows: int) -> Cost:
        """Return what was taken since the beginning."""
        differences = (now - before for now, before in zip(self._read(), self._before, strict=True))
        return Cost(rows, *differences)


def main() -> None:
    print(
        f"{'':28} {'COPY/s':>8} {'ours/s':>8} {'ratio':>6} {'COPY cpu':>9} {'ours cpu':>9}"
        f" {'ratio':>6} {'MB':>9}"
    )
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with (
            running_product(data) as facts,
            psycopg.connect(address_of(data), autocommit=True) as connection,
        ):
            for part in PARTS:
                _measure(part, data, facts, connection)


def _measure(
    part: str, data: Path, facts: dict[str, Any], connection: psycopg.Connection[Any]
) -> None:
    """Have a part done by a process of its own, slice by slice, in turns with COPY."""
    entity = "EVENT" if part == "events" else "CUSTOMER"
    for table in (TABLES[entity], "customers_change"):
        connection.execute(f"DROP TABLE IF EXISTS twin_{table}")
        connection.execute(f"CREATE TABLE twin_{table} (LIKE {table} INCLUDING ALL)")
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.bulk", part, json.dumps(facts)],
        env=os.environ | {"CONTACTHUB_DATA": str(data), "LOG_LEVEL": "ERROR"},
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert worker.stdin is not None
    assert worker.stdout is not None
    ours, copied, memory = Cost(), Cost(), []
    after = _last_change(connection)
    while True:
        worker.stdin.write("go\n")
        worker.stdin.flush()
        slice_ = json.loads(worker.stdout.readline())
        ours.add(Cost(**slice_["spent"]))
        memory.append(slice_["memory"])
        last = _last_change(connection)
        copied.add(_copied(connection, entity, after, last))
        after = last
        if slice_["ended"]:
            break
    worker.communicate()
    assert worker.returncode == 0
    assert copied.rows == ours.rows == ROWS, (copied.rows, ours.rows)
    rates = [each.rows / each.seconds for each in (copied, ours)]
    cpu = (copied.client + copied.database) / (ours.client + ours.database)
    print(
        f"{f'{ROWS} {part}':28} {rates[0]:8.0f} {rates[1]:8.0f} {rates[1] / rates[0]:6.2f}"
        f" {copied.cpu():>9} {ours.cpu():>9} {cpu:6.2f} {memory[0]:4.0f}-{max(memory):.0f}",
        flush=True,
    )


def _last_change(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT coalesce(max(id), 0) FROM customers_change").fetchone()
    assert row is not None
    return int(row[0])


def _copied(connection: psycopg.Connection[Any], entity: str, after: int, last: int) -> Cost:
    """Bring the rows that were written between two changes, and the changes, into the twins."""
    table = TABLES[entity]
    sources = {table: WRITTEN, "customers_change": CHANGES}
    contents = {}
    for name, statement in sources.items():
        content = io.BytesIO()
        found = statement.format(table=table, after=after, last=last, entity=entity)
        with connection.cursor().copy(f"COPY ({found}) TO STDOUT") as copy:
            for block in copy:
                content.write(block)
        contents[name] = content.getvalue()
    rows = contents[table].count(b"\n")
    meter = Meter(connection.info.backend_pid)
    with connection.transaction():
        for name, rows_of_table in contents.items():
            with connection.cursor().copy(f"COPY twin_{name} FROM STDIN") as copy:
                copy.write(rows_of_table)
    return meter.cost_of(rows)


def work(part: str, facts: dict[str, Any]) -> None:
    """Load a job, and work on it for a while whenever a line comes in."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "contacthub_project.settings"
    import django

    django.setup()
    from django.db import connection

    from bulkjobs.actions.processing import process

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    _leave_it_to_us()
    with tempfile.TemporaryFile() as raw:
        _write_rows(raw, part)
        job, done = None, 0
        for _ in sys.stdin:
            meter = Meter(backend)
            job = job or _loaded(raw, part, facts)
            ended = process(seconds=SECONDS)
            job.refresh_from_db()
            cost_of, done = meter.cost_of(job.processed - done), job.processed
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            slice_ = {"spent": asdict(cost_of), "memory": memory, "ended": ended}
            print(json.dumps(slice_), flush=True)
            if ended:
                break
    assert job is not None
    assert (job.status, job.failed) == ("PROCESSED", 0), (job.status, job.failed)


def _write_rows(raw: IO[bytes], part: str) -> None:
    text = io.TextIOWrapper(raw, encoding="utf-8", newline="", write_through=True)
    if part == "events":
        text.write("externalId,context,date,properties.url\n")
        for number in range(ROWS):
            text.write(f"C{number},WEB,2026-01-01,https://shop.example/{number}\n")
    else:
        from customers.domain.invented_people import invented_person

        text.write("externalId,base.contacts.email,base.firstName,base.lastName,tags.manual\n")
        for number in range(ROWS):
            base = invented_person(Random(number), number)["base"]
            mail = base["contacts"]["email"]
            text.write(f"C{number},{mail},{base['firstName']},{base['lastName']},{part}\n")
    text.detach()
    raw.seek(0)


def _loaded(raw: IO[bytes], part: str, facts: dict[str, Any]) -> Any:
    """Upload the file as a client does, and return its job."""
    from uuid import UUID

    from django.core.files.base import File
    from django.core.files.storage import default_storage

    from bulkjobs.actions.loading import Upload, load_job
    from configuration.queries.rules import latest_rules_of
    from contacthub_project.api.uploads import StoredUpload
    from contacthub_project.core.principal import Principal

    workspace = latest_rules_of(UUID(facts["workspaceId"]))
    assert workspace is not None
    node = workspace.nodes[UUID(facts["nodeIds"][0])]
    by = Principal(frozenset({"TRUSTED_APPLICATION"}), None, None, source_id=UUID(int=1))
    stored_as = default_storage.save("bulk-jobs/f.csv", File(raw, "f.csv"))
    file = StoredUpload("f.csv", stored_as, 0, None)
    if part == "events":
        upload = Upload(file, "f.csv", "INSERT", "EVENT", "viewedPage")
    else:
        upload = Upload(file, "f.csv", "UPSERT", "CUSTOMER", None)
    return load_job(workspace, node, upload, by=by)


def _leave_it_to_us() -> None:
    """Keep the product's own workers from our job."""
    from django_celery_beat.models import PeriodicTask, PeriodicTasks

    from bulkjobs.actions import loading

    loading.enqueue_on_commit = lambda task: None
    PeriodicTask.objects.filter(task=loading.TASK).update(enabled=False)
    PeriodicTasks.update_changed()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        work(sys.argv[1], json.loads(sys.argv[2]))
    else:
        main()
