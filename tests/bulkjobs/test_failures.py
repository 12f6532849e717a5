"""What nobody expected costs a row or a job, and never the jobs of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.core.files.storage import default_storage
from django.db import connection
from django.utils.timezone import now
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bulkjobs.actions import chunks, customer_rows, failures, processing
from bulkjobs.actions.failures import UnexpectedFailures, applied_in_isolation
from bulkjobs.actions.rows import Row, RowResult
from bulkjobs.models import BulkJob, Result
from customers.models import Change, Customer
from tests.bulkjobs.test_jobs import (
    Killed,
    done,
    jobs_path,
    outcomes,
    process,
    results,
    upload,
)
from tests.client import Answer
from tests.factories import Hub

# A subscription by columns of its own, beside a list that can hold none: the row code once broke.
POISON = [
    "base.contacts.email,base.subscriptions,base.subscriptions.offers.subscribed\nd@x.it,null,true\n",
    'base.contacts.email,base.subscriptions,base.subscriptions.offers.subscribed\nd@x.it,"[""y""]",true\n',
    'base.contacts.email,base.subscriptions,base.subscriptions.offers.subscribed\nd@x.it,"[[1]]",true\n',
    'base.contacts.email,base.subscriptions,base.subscriptions.offers.subscribed\nd@x.it,"[null]",true\n',
]


def reported(hub: Hub, job: Answer) -> Answer:
    return hub.trusted.get(f"{jobs_path(hub)}/{job['id']}")


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with capture_logs() as entries:
        # Loggers are bound once and for all; these are bound again for the test.
        processors = structlog.get_config()["processors"]
        failures.log = structlog.wrap_logger(None, processors=processors)
        processing.log = structlog.wrap_logger(None, processors=processors)
        yield entries
    failures.log = processing.log = structlog.get_logger("contacthub.bulkjobs")


def breaks(monkeypatch: pytest.MonkeyPatch, on: dict[str, Any]) -> None:
    """Have `upsert_many` break on first names: by raising, or by a statement the database refuses."""
    real = customer_rows.upsert_many

    def upsert_many(workspace: Any, node_id: Any, bodies: Any, **rest: Any) -> Any:
        written = real(workspace, node_id, bodies, **rest)  # what is written before goes again
        for body in bodies:
            what = on.get(body["base"].get("firstName"))
            if isinstance(what, str):
                with connection.cursor() as cursor:
                    cursor.execute(what)
            elif what is not None:
                raise what
        return written

    monkeypatch.setattr(customer_rows, "upsert_many", upsert_many)


@pytest.mark.parametrize("file", POISON)
def test_a_poisoned_row_fails_and_the_next_job_is_done(hub: Hub, file: str) -> None:
    poisoned, good = upload(hub, file), upload(hub, "base.contacts.email\na@x.it\n")
    assert process(seconds=60)
    assert reported(hub, poisoned)["status"] == reported(hub, good)["status"] == "PROCESSED"
    (row,) = results(hub, poisoned)
    assert (row["outcome"], bool(row["error"])) == ("failed", True)
    assert outcomes(results(hub, good)) == ["created"]


@pytest.mark.parametrize(
    "what", [KeyError("a@x.it"), RecursionError(), MemoryError(), "SELECT * FROM nowhere"]
)
def test_an_unexpected_exception_costs_its_row(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, logged: list[Any], what: Any
) -> None:
    breaks(monkeypatch, {"bad": what})
    lines = "".join(
        f"p{each}@x.it,{'bad' if each in {3, 7, 8} else 'good'}\n" for each in range(12)
    )
    rows = done(hub, f"base.contacts.email,base.firstName\n{lines}")
    expected = ["failed" if each in {3, 7, 8} else "created" for each in range(12)]
    assert outcomes(rows) == expected
    assert Customer.objects.count() == Change.objects.count() == 9
    (entry,) = [each for each in logged if each["event"] == "bulk job row failed"]
    assert entry["row"] == 5
    assert "x.it" not in repr(entry)
    for each in (3, 7, 8):
        assert rows[each]["code"] == "internal"
        assert entry["logref"] in rows[each]["error"]
        assert "x.it" not in rows[each]["error"]


def test_a_value_that_cannot_be_stored_is_reported_as_such(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks(monkeypatch, {"bad": "SELECT 1 / 0"})
    rows = done(hub, "base.contacts.email,base.firstName\na@x.it,bad\nb@x.it,good\n")
    assert outcomes(rows) == ["failed", "created"]
    assert (rows[0]["code"], rows[0]["error"]) == (
        "unstorable",
        "holds a value that cannot be stored",
    )


def test_an_unexpected_exception_while_a_row_is_read(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = chunks.read_row

    def read_row(columns: Any, row: Any, rules: Any) -> Any:
        if row[0].startswith("b"):
            raise AttributeError
        return real(columns, row, rules)

    monkeypatch.setattr(chunks, "read_row", read_row)
    rows = done(hub, "base.contacts.email\na@x.it\nb@x.it\nc@x.it\n")
    assert outcomes(rows) == ["created", "failed", "created"]
    assert rows[1]["code"] == "internal"


def test_an_unexpected_exception_of_a_job_fails_it_and_no_other(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, logged: list[Any]
) -> None:
    first, second = (upload(hub, f"base.contacts.email\n{each}@x.it\n") for each in "ab")
    real = chunks.columns_of

    def columns_of(workspace: Any, job: BulkJob) -> Any:
        if str(job.id) == first["id"]:
            raise ZeroDivisionError
        return real(workspace, job)

    monkeypatch.setattr(chunks, "columns_of", columns_of)
    assert process(seconds=60)
    failed = reported(hub, first)
    assert failed["status"] == "FAILED"
    (entry,) = [each for each in logged if each["event"] == "bulk job failed"]
    assert entry["logref"] in failed["errorMessage"]
    assert reported(hub, second)["status"] == "PROCESSED"
    assert not default_storage.listdir("bulk-jobs")[1]


def test_a_job_that_kills_its_worker_each_time_is_given_up(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, logged: list[Any]
) -> None:
    monkeypatch.setattr(processing, "CHUNK", 2)
    deadly = upload(hub, "base.contacts.email\na@x.it\nb@x.it\nkills@x.it\nc@x.it\n")
    good = upload(hub, "base.contacts.email\nd@x.it\n")
    real = failures.applied

    def applied(workspace: Any, job: Any, rows: Any) -> Any:
        if any("kills" in repr(row.body) for row in rows):
            raise Killed
        return real(workspace, job, rows)

    monkeypatch.setattr(failures, "applied", applied)
    for _ in range(processing.MOST_ATTEMPTS):
        with pytest.raises(Killed):
            process(seconds=60)
        assert reported(hub, deadly)["status"] == "PROCESSING"
    assert process(seconds=60)
    ended = reported(hub, deadly)
    assert (ended["status"], ended["processedEntities"]) == ("FAILED", 2)
    (entry,) = [each for each in logged if each["event"] == "bulk job given up"]
    assert entry["logref"] in ended["errorMessage"]
    assert reported(hub, good)["status"] == "PROCESSED"
    assert outcomes(results(hub, deadly)) == ["created", "created"]


def test_workers_that_are_killed_at_different_rows_do_not_end_a_job(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processing, "CHUNK", 1)
    job = upload(hub, "base.contacts.email\n" + "".join(f"p{each}@x.it\n" for each in range(8)))
    real, begun = failures.applied, []

    def applied(*given: Any) -> Any:
        begun.append(1)
        if len(begun) % 2 == 0:
            raise Killed
        return real(*given)

    monkeypatch.setattr(failures, "applied", applied)
    while reported(hub, job)["status"] != "PROCESSED":
        try:
            process(seconds=60)
        except Killed:
            assert len(begun) < 20
    assert outcomes(results(hub, job)) == ["created"] * 8


def test_a_database_that_was_away_for_a_moment_fails_no_row(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the server's is neither a row's nor a job's; what comes each time is given up."""
    codes = ["57P01"]

    def unavailable() -> None:
        if codes:
            with connection.cursor() as cursor:
                cursor.execute(f"DO $$BEGIN RAISE EXCEPTION USING ERRCODE = '{codes.pop()}'; END$$")

    real = failures.applied

    def applied(*given: Any) -> Any:
        unavailable()
        return real(*given)

    monkeypatch.setattr(failures, "applied", applied)
    job = upload(hub, "base.contacts.email\na@x.it\nb@x.it\n")
    assert process(seconds=60)
    assert (reported(hub, job)["status"], Result.objects.count()) == ("LOADED", 0)
    BulkJob.objects.update(available_at=now())
    codes += ["40P01", "40001"]  # of two transactions one was sent back: tried again at once
    assert process(seconds=60)
    assert outcomes(results(hub, job)) == ["created", "created"]
    job = upload(hub, "base.contacts.email\nc@x.it\n")
    for _ in range(processing.MOST_ATTEMPTS):
        codes.append("53200")
        assert process(seconds=60)
        assert reported(hub, job)["status"] == "LOADED"
        BulkJob.objects.update(available_at=now())
    process(seconds=60)
    assert reported(hub, job)["status"] == "FAILED"


@given(bad=st.sets(st.integers(0, 40)), count=st.integers(0, 40))
def test_exactly_the_rows_that_break_fail(bad: set[int], count: int) -> None:
    """Against a model: whichever rows break, those fail, and each other is applied once."""
    rows = [Row(number, {}, 2) for number in range(count)]
    stored: list[int] = []

    class Savepoint:
        def __enter__(self) -> None:
            self.before = list(stored)

        def __exit__(self, kind: Any, *_: object) -> None:
            if kind is not None:
                stored[:] = self.before

    def applied(_: Any, __: Any, some: list[Row]) -> list[RowResult]:
        outcome = []
        for row in some:
            if row.number in bad:
                raise ValueError
            stored.append(row.number)
            outcome.append(RowResult(row.number, "created"))
        return outcome

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(failures, "applied", applied)
        patched.setattr(failures.transaction, "atomic", Savepoint)
        job: Any = BulkJob()
        found = applied_in_isolation(None, job, rows, UnexpectedFailures(job.id))  # type: ignore[arg-type]
    assert [each.row for each in found] == list(range(count))
    assert {each.row for each in found if each.outcome == "failed"} == bad & set(range(count))
    assert stored == [each for each in range(count) if each not in bad]
