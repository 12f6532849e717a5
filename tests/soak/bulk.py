"""`.venv/bin/python -m tests.soak.bulk [seconds]`: bulk jobs and exports of every kind, and kills.

One client sends files of all kinds and asks for exports, while workers, web processes, PostgreSQL and
Valkey are killed. Then every row must have been applied once, and every export must be whole.
"""

from __future__ import annotations

import io
import json
import random
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import psycopg

from contacthub_project.runtime.embedded import PostgresServer
from tests.product import Product
from tests.soak.actors import Hub
from tests.soak.faults import World, kill_postgres, kill_valkey, kill_web, kill_worker
from tests.soak.invariants import settle

PAUSE = 4.0  # seconds between kills
PERSONS_OF_EXPORTS = 3000
KILLS = {
    "worker": kill_worker,
    "PostgreSQL": kill_postgres,
    "web process": kill_web,
    "Valkey": kill_valkey,
}
ORDER = ("worker", "worker", "PostgreSQL", "worker", "web process", "worker", "Valkey")
EXPORTS_LEFT = "SELECT count(*) FROM bulkjobs_exportjob WHERE status IN ('LOADED', 'PROCESSING')"
RESULTS = """
SELECT job.status, job.processed, job.failed, count(result."row"), count(DISTINCT result."row")
FROM bulkjobs_bulkjob AS job
LEFT JOIN bulkjobs_result AS result
    ON result.workspace_id = job.workspace_id AND result.job_id = job.id
WHERE job.id = %s GROUP BY job.status, job.processed, job.failed
"""
# Rows of the change feed that would not be there if each row had been applied once.
TOO_MANY = """
SELECT count(*) FROM (
    SELECT entity_id FROM customers_change WHERE operation IN ('CREATE', 'DELETE')
    GROUP BY entity_id, operation HAVING count(*) > 1
) AS twice
"""
WRONG_VERSIONS = """
SELECT count(*) FROM customers_customer AS customer
WHERE customer.deleted = 0 AND customer.version - 1 <> (
    SELECT count(*) FROM customers_change AS change
    WHERE change.workspace_id = customer.workspace_id AND change.entity_id = customer.id
      AND change.operation = 'UPDATE'
)
"""


@dataclass
class Sent:
    """What was sent: jobs by their ids, with kind and rows, and the paths of exports."""

    jobs: dict[str, tuple[str, int]] = field(default_factory=dict)
    exports: list[str] = field(default_factory=list)

    def rows(self, *kinds: str) -> int:
        """Return the number of rows in jobs of some kinds, of all without any."""
        return sum(rows for kind, rows in self.jobs.values() if not kinds or kind in kinds)


class Client:
    """Sends jobs and exports until it is over; `failure` is why it has ended before."""

    def __init__(self, hub: Hub, sent: Sent) -> None:
        self._hub = hub
        self._sent = sent
        self._node, self._other_node = hub.facts["nodeIds"][:2]
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Send rounds of all kinds."""
        number = 0
        try:
            while not self._hub.is_over:
                number += 1
                self._round(f"r{number}", random.Random(number))
        except BaseException as failure:
            self.failure = failure

    def seed(self) -> None:
        """Send the people of the other node, which is the one that is exported."""
        people = _people("seed", PERSONS_OF_EXPORTS)
        self._send("people to export", PERSONS_OF_EXPORTS, people, node=self._other_node)

    def _round(self, name: str, chance: random.Random) -> None:
        rows = chance.choice((50, 500, 3000))
        self._send("new people", rows, _people(name, rows))
        self._send("the same people, changed", rows, _people(name, rows, tag="again"))
        events = "externalId,context,date,properties.path\n" + "".join(
            f"{name}-{each},WEB,2026-01-01,/{name}/{each}\n" for each in range(rows)
        )
        self._send("events", rows, events, "INSERT", entity="EVENT", eventType="viewedPage")
        self._send("workbooks", rows // 5, _workbook(f"{name}x", rows // 5))
        self._send("dry runs", rows, _people(f"{name}dry", rows), dryRun="true")
        for file_format in ("csv", "jsonl", "xlsx"):
            path = f"/nodes/{self._other_node}/exports"
            status, export = self._hub.send_until_answered("POST", f"{path}?format={file_format}")
            assert status == 202, (status, export)
            self._sent.exports.append(f"{path}/{export['id']}")
        gone = self._send("people to delete", rows, _people(f"{name}d", rows))
        while self._status(gone) != "PROCESSED":
            time.sleep(0.2)
        ids = "externalId\n" + "".join(f"{name}d-{each}\n" for each in range(rows))
        self._send("deletions", rows, ids, "DELETE")

    def _status(self, job: str) -> str:
        status, found = self._hub.send_until_answered("GET", f"/nodes/{self._node}/bulk-jobs/{job}")
        assert status == 200, found
        return str(found["status"])

    def _send(
        self,
        kind: str,
        rows: int,
        file: str | bytes,
        operation: str = "UPSERT",
        *,
        node: str | None = None,
        **fields: str,
    ) -> str:
        raw = file if isinstance(file, bytes) else file.encode()
        path = f"/nodes/{node or self._node}/bulk-jobs"
        headers = {
            "Content_Type": "multipart/form-data; boundary=b",
            "Idempotency_Key": str(uuid.uuid4()),  # an answer may be lost
        }
        form = _form(raw, operation=operation, **fields)
        while (answer := self._hub.send_until_answered("POST", path, form, **headers))[0] == 409:
            time.sleep(0.5)  # ten wait already
        status, job = answer
        assert status == 201, (status, job)
        assert job["status"] == "LOADED", job
        self._sent.jobs[job["id"]] = (kind, rows)
        return str(job["id"])


def _people(name: str, rows: int, *, tag: str = "new") -> str:
    return "externalId,base.contacts.email,base.firstName,tags.manual\n" + "".join(
        f"{name}-{each},{name}-{each}@soak.example,{name},{tag}\n" for each in range(rows)
    )


def _workbook(name: str, rows: int) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("People")
    sheet.append(["externalId", "base.contacts.email"])
    for each in range(rows):
        sheet.append([f"{name}-{each}", f"{name}-{each}@soak.example"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _form(file: bytes, **fields: str) -> bytes:
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    head = '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    return "".join(parts).encode() + head.encode() + file + b"\r\n--b--\r\n"


def soak(folder: Path, *, seconds: float) -> dict[str, Any]:
    """Return the report of a soak; raises AssertionError for anything lost or applied twice."""
    product = Product(folder / "data")
    product.start()
    over = folder / "over"
    try:
        sent = Sent()
        client = Client(Hub(product.facts, folder / "log.jsonl", over), sent)
        address = PostgresServer(product.data)._address("contacthub")
        client.seed()
        with psycopg.connect(address, autocommit=True) as connection:
            settle(product, connection)
            before = _counts(connection)
        thread = threading.Thread(target=client.run)
        began = time.monotonic()
        thread.start()
        kills = _killed(World(product), thread, seconds=seconds)
        over.touch()
        thread.join()
        if client.failure is not None:
            raise client.failure
        with psycopg.connect(address, autocommit=True) as connection:
            _settle(product, connection)
            took = time.monotonic() - began
            report = {"seconds": round(took), "killed": dict(kills)}
            return report | _checked(connection, product, sent, before, took)
    finally:
        over.touch()
        product.stop()


def _killed(world: World, thread: threading.Thread, *, seconds: float) -> Counter[str]:
    kills: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while time.monotonic() < until and thread.is_alive():
        time.sleep(PAUSE)
        name = ORDER[kills.total() % len(ORDER)]
        KILLS[name](world)
        kills[name] += 1
    return kills


def _settle(product: Product, connection: psycopg.Connection[Any]) -> None:
    """Wait until no job and no export is left to be done."""
    settle(product, connection)
    until = time.monotonic() + 120
    while connection.execute(EXPORTS_LEFT).fetchone()[0]:  # type: ignore[index]
        assert time.monotonic() < until, "exports are not written"
        time.sleep(0.3)


def _counts(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """Return how many customers are live and deleted, and how many events there are."""
    row = connection.execute(
        "SELECT count(*) FILTER (WHERE deleted = 0), count(*) FILTER (WHERE deleted = 1),"
        " (SELECT count(*) FROM events_event) FROM customers_customer"
    ).fetchone()
    assert row is not None
    return dict(zip(("live", "deleted", "events"), row, strict=True))


def _checked(
    connection: psycopg.Connection[Any],
    product: Product,
    sent: Sent,
    before: dict[str, int],
    seconds: float,
) -> dict[str, Any]:
    for job, (kind, rows) in sent.jobs.items():
        found = connection.execute(RESULTS, [job]).fetchone()
        assert found == ("PROCESSED", rows, 0, rows, rows), (kind, job, rows, found)
    counts = _counts(connection)
    assert {name: counts[name] - before[name] for name in counts} == {
        "live": sent.rows("new people", "workbooks"),
        "deleted": sent.rows("deletions"),
        "events": sent.rows("events"),
    }
    for statement in (TOO_MANY, WRONG_VERSIONS):
        assert connection.execute(statement).fetchone() == (0,), statement
    waiting = connection.execute("SELECT count(*) FROM events_event WHERE customer_id IS NULL")
    assert waiting.fetchone() == (0,), "an event has not found its customer"
    hub = Hub(product.facts, Path("/dev/null"), product.data)
    for path in sent.exports:
        status, export = hub.send_until_answered("GET", path)
        assert (status, export["status"]) == (200, "PROCESSED"), export
        assert export["writtenEntities"] == PERSONS_OF_EXPORTS, export
    return {
        "jobs": dict(Counter(kind for kind, _ in sent.jobs.values())),
        "rows": sent.rows(),
        "rows a second": round(sent.rows() / seconds),
        "exports, whole": len(sent.exports),
        "rows lost or applied twice": 0,
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        length = float(sys.argv[1]) if len(sys.argv) > 1 else 300.0
        print(json.dumps(soak(Path(place), seconds=length), indent=1))
