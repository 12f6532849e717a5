"""Whose turn it is: jobs are worked on by slices, workspaces, nodes and jobs in turn."""

from __future__ import annotations

import csv
import io
import itertools
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjobs.actions import failures, processing
from bulkjobs.actions.processing import stop_job
from bulkjobs.domain.files.containers import Container
from bulkjobs.domain.files.tables import KeptTable, Layout
from bulkjobs.models import BulkJob
from customers.models import Customer
from tests.bulkjobs.test_jobs import done, jobs_path, outcomes, process, results, upload
from tests.client import Answer
from tests.factories import Hub

HEADER = "base.contacts.email\n"


def people(name: str, count: int) -> str:
    return HEADER + "".join(f"{name}{each}@x.it\n" for each in range(count))


def upload_to(hub: Hub, node: Any, content: str) -> Answer:
    first, hub.node = hub.node, node
    try:
        return upload(hub, content)
    finally:
        hub.node = first


def followed(monkeypatch: pytest.MonkeyPatch, upload_at: dict[int, Any]) -> list[str]:
    """The ids of jobs, in the order in which slices of one row each are done.

    `upload_at` are functions to call, by how many slices have been done before.
    """
    monkeypatch.setattr(processing, "CHUNK", 1)
    monkeypatch.setattr(processing, "SLICE_SECONDS", 0.0)
    order: list[str] = []
    real = failures.applied

    def applied(workspace: Any, job: BulkJob, rows: Any) -> Any:
        if len(order) in upload_at:
            upload_at.pop(len(order))()
        order.append(str(job.id))
        return real(workspace, job, rows)

    monkeypatch.setattr(failures, "applied", applied)
    return order


def test_a_short_job_is_done_between_long_ones(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same node, of another node, and of another workspace."""
    other = Hub()
    long = [upload(hub, people(name, 20))["id"] for name in "ab"]
    short: list[str] = []
    order = followed(
        monkeypatch,
        {
            5: lambda: short.append(upload(hub, people("c", 1))["id"]),
            15: lambda: short.append(upload_to(hub, hub.other_node, people("d", 1))["id"]),
            25: lambda: short.append(upload(other, people("e", 1))["id"]),
        },
    )
    assert process(seconds=600)
    assert sorted(order) == sorted([*long * 20, *short])
    for each, at in zip(short, (5, 15, 25), strict=True):
        # The slice at which it came in was under way; of the next two one is for the new.
        assert order.index(each) <= at + 2
    turns = [order[:5].count(each) for each in long]
    assert sorted(turns) == [2, 3]
    assert {row["outcome"] for job in long for row in job_results(hub, job)} == {"created"}


def job_results(hub: Hub, job_id: str) -> list[dict[str, str]]:
    return results(hub, hub.trusted.get(f"{jobs_path(hub)}/{job_id}"))


def test_workspaces_take_turns_however_many_jobs_they_have(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Hub()
    for name in "abc":
        upload(hub, people(name, 10))
    upload_to(hub, hub.other_node, people("d", 10))
    single = upload(other, people("e", 10))["id"]
    order = followed(monkeypatch, {})
    assert process(seconds=600)
    # From when all have begun: every second slice is the other workspace's.
    begun = max(order.index(each) for each in set(order)) + 1
    last = len(order) - 1 - order[::-1].index(single)
    shared = [each == single for each in order[begun : last + 1]]
    assert all(one is not two for one, two in itertools.pairwise(shared))
    # In the first workspace every second of its slices is the node's that has one job.
    of_nodes = dict(BulkJob.objects.values_list("id", "node_id"))
    first = [str(of_nodes[type(hub.node.id)(each)]) for each in order[begun:] if each != single]
    few = first[: 2 * first.count(str(hub.other_node.id)) - 1]
    assert all(one != two for one, two in itertools.pairwise(few))


Jobs = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(1, 4)), min_size=1, max_size=7
)


class NaiveQueue:
    """Whose turn it is, by what each workspace, node and job has had."""

    def __init__(self) -> None:
        self.turn = 0
        self.workspaces: dict[int, int] = {}
        self.nodes: dict[tuple[int, int], int] = {}
        self.jobs: dict[int, int] = {}

    def next(self, waiting: dict[int, tuple[int, int]]) -> int:
        new = [job for job in waiting if job not in self.jobs]
        choice = new if new and self.turn % 2 == 0 else list(waiting)

        def key(job: int) -> tuple[int, int, int, int]:
            workspace, node = waiting[job]
            return (
                self.workspaces.get(workspace, 0), self.nodes.get((workspace, node), 0),
                self.jobs.get(job, 0), job,
            )  # fmt: skip

        job = min(choice, key=key)
        self.turn += 1
        workspace, node = waiting[job]
        self.workspaces[workspace] = self.nodes[workspace, node] = self.jobs[job] = self.turn
        return job


@settings(max_examples=30)
@given(jobs=Jobs)
def test_turns_are_those_of_a_naive_queue(hub: Hub, jobs: list[tuple[int, int, int]]) -> None:
    BulkJob.objects.all().delete()
    hubs = [hub, Hub()]
    made: list[BulkJob] = []
    for number, (workspace, node, _) in enumerate(jobs):
        owner = hubs[workspace]
        made.append(
            BulkJob.objects.create(
                workspace_id=owner.workspace.id, node_id=(owner.node, owner.other_node)[node].id,
                filename="f.csv", operation="UPSERT", entity="CUSTOMER", status="LOADED",
                created_at=timezone.now() + timedelta(seconds=number), updated_at=timezone.now(),
            )
        )  # fmt: skip
    numbers = {job.id: number for number, job in enumerate(made)}
    rest = {number: slices for number, (_, _, slices) in enumerate(jobs)}
    queue = NaiveQueue()
    while rest:
        claim = processing._claimed(float("inf"))
        assert claim is not None
        number = numbers[claim.row_id]
        assert number == queue.next({each: jobs[each][:2] for each in rest})
        rest[number] -= 1
        if rest[number]:
            processing._release(claim)
        else:
            processing._finish(claim, "PROCESSED", None)  # type: ignore[arg-type]
            del rest[number]
    assert processing._claimed(float("inf")) is None


def test_a_one_row_job_starts_while_one_worker_has_two_long_jobs(live_hub: Hub) -> None:
    """By a worker in a thread of its own; within three seconds, and within two slices."""
    long = [upload(live_hub, people(name, 60_000)) for name in "ab"]
    assert [job["status"] for job in long] == ["LOADED"] * 2

    def work() -> None:
        try:
            processing.process(seconds=120)
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        while BulkJob.objects.filter(status="PROCESSING").count() < 2:
            assert worker.is_alive()
        before = max(BulkJob.objects.values_list("turn", flat=True))
        short = upload(live_hub, people("c", 1))
        came_in = max(BulkJob.objects.values_list("turn", flat=True))
        since = time.monotonic()
        while BulkJob.objects.get(id=short["id"]).status == "LOADED":
            assert worker.is_alive()
        waited = time.monotonic() - since
        while (job := BulkJob.objects.get(id=short["id"])).status != "PROCESSED":
            assert worker.is_alive()
        running = BulkJob.objects.filter(status="PROCESSING").count()
    finally:
        for each in BulkJob.objects.to_do():
            stop_job(each)
        worker.join()
    assert before < job.turn <= came_in + 2
    assert running == 2, "the long ones are not done"
    assert waited < 3.0


def test_two_workers_are_never_at_one_job(live_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processing, "CHUNK", 7)
    monkeypatch.setattr(processing, "SLICE_SECONDS", 0.0)
    job = upload(live_hub, people("p", 200))
    other = upload(live_hub, people("p", 200))

    def work() -> None:
        try:
            while not processing.process(seconds=60):
                pass
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    process(seconds=60)  # a worker may have found both taken, and gone
    rows = results(live_hub, job) + results(live_hub, other)
    assert sorted(outcomes(rows)) == ["created"] * 200 + ["unchanged"] * 200
    assert Customer.objects.count() == 200


def test_the_job_of_a_worker_that_is_gone_waits_for_its_claim_to_run_out(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = upload(hub, people("p", 2))
    gone = processing._claimed(float("inf"))
    assert gone is not None
    assert process(seconds=60)
    assert BulkJob.objects.get().status == "LOADED", "somebody may be at it"
    monkeypatch.setattr(processing, "LEASE_SECONDS", -1.0)
    BulkJob.objects.update(available_at=timezone.now())
    assert process(seconds=60)
    assert outcomes(results(hub, job)) == ["created"] * 2
    assert not gone.job().exists()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_file_is_gone_on_with_wherever_a_slice_ended(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, end: str, mark: str
) -> None:
    monkeypatch.setattr(processing, "CHUNK", 1)
    monkeypatch.setattr(processing, "SLICE_SECONDS", 0.0)
    lines = [
        "base.contacts.email,base.firstName",
        "a@x.it,È",
        "",
        f'b@x.it,"D{end}ö\U0001f600"',
        "c@x.it,ß",
        "",
    ]
    rows = done(hub, mark + end.join(lines) + "d@x.it,x")
    assert outcomes(rows) == ["created"] * 4
    names = {
        each.base["contacts"]["email"]: each.base["firstName"] for each in Customer.objects.all()
    }
    assert names == {"a@x.it": "È", "b@x.it": f"D{end}ö\U0001f600", "c@x.it": "ß", "d@x.it": "x"}


@given(
    st.lists(st.lists(st.text('aè€😀",;\n\r', max_size=4), min_size=2, max_size=2), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.data(),
)
def test_the_rows_after_any_offset_are_the_rest(rows: list[list[str]], end: str, data: Any) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator=end).writerows([["h", "i"], *rows])
    raw = out.getvalue().encode()
    layout = Layout(Container.CSV, "UTF-8", ",")
    whole = KeptTable(io.BytesIO(raw), layout)
    assert whole.header() == ["h", "i"]
    places, read = [(whole.offset, whole.lines)], []
    for row in whole:
        read.append(row)
        places.append((whole.offset, whole.lines))
    assert [row.cells for row in read] == [row for row in rows if any(map(str.strip, row))]
    number = data.draw(st.integers(0, len(read)))
    offset, lines = places[number]
    later = KeptTable(io.BytesIO(raw), layout, offset=offset, lines=lines)
    assert list(later) == read[number:]
    assert later.offset == len(raw)
