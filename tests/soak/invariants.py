"""What must be true when it is over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from contacthub_project.runtime.embedded import PostgresServer
from tests.product import ROOT, Product
from tests.soak.actors.sources import BULK_ROWS

SETTLING = 120.0
BUSY = {
    "deltas": "SELECT count(*) FROM analytics_delta",
    "jobs": "SELECT count(*) FROM bulkjobs_bulkjob"
    " WHERE status IN ('LOADED', 'SCHEDULED', 'PROCESSING')",
    "merges": "SELECT count(*) FROM customers_pendingmerge",
}


def promises(folder: Path) -> Iterator[dict[str, Any]]:
    """Everything the actors wrote down."""
    for log in sorted(folder.glob("*.jsonl")):
        for line in log.read_text().splitlines(keepends=True):
            if line.endswith("\n"):  # an actor is writing the last one
                yield json.loads(line)


def settle(product: Product, connection: psycopg.Connection[Any]) -> float:
    """Wait until nothing is left to be done; the seconds that took."""
    started = time.monotonic()
    while True:
        left = {name: connection.execute(sql).fetchone()[0] for name, sql in BUSY.items()}  # type: ignore[index]
        if not any(left.values()):
            return time.monotonic() - started
        assert time.monotonic() - started < SETTLING, left
        time.sleep(0.3)


def check(product: Product, folder: Path) -> dict[str, Any]:
    """Compare the promises with the tables; figures for the report."""
    address = PostgresServer(product.data)._address("contacthub")
    with psycopg.connect(address, autocommit=True) as connection:
        seconds = settle(product, connection)
        found = list(promises(folder))
        figures: dict[str, Any] = {"seconds to settle": round(seconds, 1)}
        figures |= _customers(connection, found)
        figures |= _events(connection, found)
        figures |= _jobs(connection, found)
        figures |= _feed(connection, found)
        figures |= _deliveries(connection, found)
        figures |= _merges(connection, found)
        figures |= _erasures(connection, found)
    figures["segments"] = _segments(product, found)
    figures["walks"] = sum("walk" in each for each in found)
    figures["exports"] = sum("exported" in each for each in found)
    _manage(product, "verify_receipts")
    figures["counters that differ"] = _recounted(product)
    statuses: Counter[str] = Counter()
    for each in found:
        statuses.update(each.get("statuses", {}))
    figures["answers"] = dict(sorted(statuses.items()))
    wrong = {name: count for name, count in statuses.items() if name.endswith(" 500")}
    assert not wrong, wrong
    return figures


def _customers(connection: Any, found: list[dict[str, Any]]) -> dict[str, int]:
    rows = connection.execute(
        "SELECT id::text, deleted, base ->> 'firstName', base #>> '{contacts,email}'"
        " FROM customers_customer"
    ).fetchall()
    known = {row[0]: row for row in rows}
    deleted = {each["deleted"] for each in found if "deleted" in each}
    last = {each["patched"]: each["name"] for each in found if "patched" in each}
    made = {each["customer"] for each in found if "customer" in each}
    for customer in made:
        assert customer in known, f"customer {customer} is lost"
        assert (known[customer][1] != 0) == (customer in deleted), customer
    for customer, name in last.items():
        if customer not in deleted:
            assert known[customer][2] == name, f"a change of {customer} is lost"
    live = Counter(row[3] for row in rows if row[1] == 0)
    doubled = [email for email, count in live.items() if count > 1]
    assert not doubled, doubled
    return {"customers": len(made), "changes": len(last), "deleted": len(deleted)}


def _events(connection: Any, found: list[dict[str, Any]]) -> dict[str, int]:
    marks = Counter(
        row[0] for row in connection.execute("SELECT properties ->> 'path' FROM events_event")
    )
    ids = {row[0] for row in connection.execute("SELECT id::text FROM events_event")}
    gone = {
        row[0]
        for row in connection.execute(
            "SELECT entity_id::text FROM customers_change"
            " WHERE entity = 'EVENT' AND operation = 'DELETE' AND NOT is_duplicate"
        )
    }
    promised = [each for each in found if "event" in each]
    for each in promised:
        # Those of a customer who was deleted went along, and the feed says so.
        assert each["event"] in ids or each["event"] in gone, f"event {each['event']} is lost"
        assert marks[each["mark"]] <= 1, f"event {each['mark']} is doubled"
    assert not [mark for mark, count in marks.items() if count > 1]
    return {"events": len(promised)}


def _jobs(connection: Any, found: list[dict[str, Any]]) -> dict[str, int]:
    jobs = [each for each in found if "prefix" in each]
    for each in jobs:
        status, done, failed = connection.execute(
            "SELECT status, processed, failed FROM bulkjobs_bulkjob WHERE id = %s", [each["job"]]
        ).fetchone()
        assert (status, done, failed) == ("PROCESSED", BULK_ROWS, 0), (each, status, done, failed)
        count, versions = connection.execute(
            "SELECT count(*), max(version) FROM customers_customer"
            " WHERE base #>> '{contacts,email}' LIKE %s",
            [each["prefix"] + "%"],
        ).fetchone()
        assert count == BULK_ROWS, (each, count)
        assert versions == 1, "a row was applied twice"
    return {"bulk jobs": len(jobs), "rows of bulk jobs": len(jobs) * BULK_ROWS}


def _feed(connection: Any, found: list[dict[str, Any]]) -> dict[str, int]:
    seen = [each for each in found if "offset" in each]
    offsets = [each["offset"] for each in seen]
    assert offsets == sorted(set(offsets)), "an update came twice or out of order"
    reported = {each["id"] for each in seen}
    sealed = connection.execute("SELECT max(last_offset) FROM customers_feed").fetchone()[0]
    rows = connection.execute(
        "SELECT entity_id::text FROM customers_change"
        " WHERE feed_offset <= %s AND entity <> 'SEGMENT'",  # told to those who ask for them
        [max(offsets, default=0)],
    ).fetchall()
    missed = {row[0] for row in rows} - reported
    assert not missed, f"{len(missed)} changes did not reach the follower"
    return {"updates followed": len(seen), "last offset": sealed or 0}


def _deliveries(connection: Any, found: list[dict[str, Any]]) -> dict[str, int]:
    """Each receiver was told every change of the stream since its webhook was made."""
    figures = {}
    for each in found:
        if "webhook" not in each:
            continue
        delivered = set(each["offsets"])
        rows = connection.execute(
            "SELECT feed_offset FROM customers_change"
            " WHERE feed_offset > %s AND feed_offset <= %s AND NOT is_duplicate"
            " AND entity <> 'SEGMENT'",
            [each["after"], each["until"]],
        ).fetchall()
        missed = {row[0] for row in rows} - delivered
        assert not missed, f"{len(missed)} changes did not reach {each['webhook']}"
        figures[f"{each['webhook']}: changes told"] = len(delivered)
        figures[f"{each['webhook']}: messages refused"] = each["refused"]
    return figures


def _merges(connection: Any, found: list[dict[str, Any]]) -> dict[str, int]:
    merged = [each for each in found if "merge" in each]
    undone = [each for each in found if "undone" in each]
    owners = dict(connection.execute("SELECT id::text, customer_id::text FROM events_event"))
    states = dict(connection.execute("SELECT id::text, deleted FROM customers_customer"))
    for each in merged:
        assert states[each["survivor"]] == 0, each
        assert states[each["other"]] != 0, each
        assert owners[each["eventOfOther"]] == each["survivor"], each
    for each in undone:
        assert states[each["survivor"]] == states[each["other"]] == 0, each
        assert owners[each["eventOfOther"]] == each["other"], each
    return {"merges": len(merged) + len(undone), "undone": len(undone)}


def _erasures(connection: Any, found: list[dict[str, Any]]) -> dict[str, int]:
    erased = [each for each in found if "erased" in each]
    for each in erased:
        left = connection.execute(
            "SELECT count(*) FROM customers_customer WHERE base #>> '{contacts,email}' = %s",
            [each["email"]],
        ).fetchone()[0]
        assert left == 0, each
        outcomes = connection.execute(
            "SELECT outcome FROM bulkjobs_result WHERE job_id = %s", [each["job"]]
        ).fetchall()
        assert outcomes == [("forgotten",)], (each, outcomes)
    (receipts,) = connection.execute(
        "SELECT count(*) FROM customers_erasurereceipt WHERE cause = 'REQUEST'"
    ).fetchone()
    assert receipts == len(erased), (receipts, len(erased))
    return {"erased": len(erased)}


def _segments(product: Product, found: list[dict[str, Any]]) -> int:
    segments = [each["segment"] for each in found if "segment" in each]
    deadline = time.monotonic() + SETTLING
    for segment in segments:
        while True:
            _, size = product.call("GET", f"{product.workspace}/segments/{segment}/count")
            if size["state"] == "READY" and size["lag"] == 0:
                break
            assert time.monotonic() < deadline, size
            time.sleep(0.3)
    if segments:
        _manage(product, "verify_segments")
    # What the nightly verification has repaired meanwhile was wrong, too.
    logs = (product.data / "logs").glob("*.log")
    lines = [line for log in logs for line in log.read_text(errors="replace").splitlines()]
    assert [each for each in lines if "segments were wrong" in each] == []
    return len(segments)


def _recounted(product: Product) -> int:
    _manage(product, "recount")
    return 0


def _manage(product: Product, command: str) -> None:
    """Run a command that ends with another status when something is not as it must be."""
    answer = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=ROOT,
        env=os.environ | {"CONTACTHUB_DATA": str(product.data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
