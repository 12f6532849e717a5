from __future__ import annotations

import csv
import io
import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from django.test import TestCase
from django.utils import timezone

from bulkjobs.actions import failures, processing, removal
from bulkjobs.actions.processing import resume_job, stop_job
from bulkjobs.models import BulkJob, Result
from configuration.actions.removal import remove_deleted
from customers.models import Change, ConsentLogEntry, Customer
from events.models import Event
from tests.client import Answer
from tests.factories import Hub

BOUNDARY = "a-boundary"


class Killed(BaseException):
    """Ends a worker wherever it is."""


def form(content: bytes, **fields: str) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="people.csv"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    return b"".join(parts) + head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def upload(hub: Hub, content: str | bytes, operation: str = "UPSERT", **fields: str) -> Answer:
    raw = content if isinstance(content, bytes) else content.encode()
    return hub.trusted.post(
        jobs_path(hub), raw=form(raw, operation=operation, **fields),
        content_type=f"multipart/form-data; boundary={BOUNDARY}",
    )  # fmt: skip


def process(*, seconds: float) -> bool:
    with TestCase.captureOnCommitCallbacks(execute=True):
        return processing.process(seconds=seconds)


def jobs_path(hub: Hub) -> str:
    return f"{hub.path}/nodes/{hub.node.id}/bulk-jobs"


def results(hub: Hub, job: Answer) -> list[dict[str, str]]:
    answer = hub.trusted.get(f"{jobs_path(hub)}/{job['id']}/results")
    assert answer.status == 200, answer.content
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def done(hub: Hub, content: str, operation: str = "UPSERT", **fields: str) -> list[dict[str, str]]:
    job = upload(hub, content, operation, **fields)
    assert job["status"] == "LOADED", job.content
    assert process(seconds=60)
    return results(hub, job)


def outcomes(rows: list[dict[str, str]]) -> list[str]:
    return [row["outcome"] for row in rows]


@pytest.mark.parametrize("wrong_by", [timedelta(hours=1), -timedelta(hours=1)])
def test_a_wrong_clock_where_it_came_in_keeps_no_job_waiting(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, wrong_by: timedelta
) -> None:
    right = timezone.now
    with monkeypatch.context() as patched:
        patched.setattr(timezone, "now", lambda: right() + wrong_by)
        field = BulkJob._meta.get_field("available_at")
        patched.setattr(field, "_get_default", lambda: right() + wrong_by)
        job = upload(hub, "base.contacts.email\na@x.it\n")
    assert process(seconds=60)
    assert hub.trusted.get(f"{jobs_path(hub)}/{job['id']}")["status"] == "PROCESSED"


def test_a_job_from_upload_to_results(hub: Hub) -> None:
    known = hub.post_customer(base={"contacts": {"email": "b@x.it"}})["id"]
    job = upload(
        hub, "externalId,base.firstName,base.contacts.email\n100,Anna,a@x.it\n101,,b@x.it\n102,No\n"
    )
    assert job.status == 201
    assert job.json == {
        "id": job["id"], "filename": "people.csv", "operation": "UPSERT", "entity": "CUSTOMER",
        "workspaceId": str(hub.workspace.id), "nodeId": str(hub.node.id), "eventType": None,
        "bulkJobName": "UPSERT people.csv", "status": "LOADED", "errorMessage": None,
        "createdAt": job["createdAt"], "updatedAt": job["updatedAt"],
        "processedEntities": 0, "failedEntities": 0, "totalEntities": 3,
    }  # fmt: skip
    one = f"{jobs_path(hub)}/{job['id']}"
    assert hub.trusted.get(f"{one}/results").status == 409
    assert process(seconds=60)
    ended = hub.trusted.get(one)
    assert (ended["status"], ended["processedEntities"], ended["failedEntities"]) == (
        "PROCESSED",
        3,
        1,
    )
    first, second, third = results(hub, job)
    assert (first["row"], first["outcome"]) == ("2", "created")
    assert (second["outcome"], second["id"]) == ("updated", known)
    assert (third["outcome"], third["column"]) == ("failed", "base.contacts.email")
    anna = hub.trusted.get(f"{hub.path}/customers/{first['id']}")
    assert (anna["base"]["firstName"], anna["externalId"]) == ("Anna", "100")
    assert anna["sourceInfo"]["registeredBy"] == str(hub.source.id)
    assert not default_storage.listdir("bulk-jobs")[1], "the file is gone"
    listed = hub.trusted.get(jobs_path(hub), query={"status": "PROCESSED", "entity": "CUSTOMER"})
    assert [each["id"] for each in listed["elements"]] == [job["id"]]
    assert hub.trusted.get(jobs_path(hub), query={"status": "LOADED"})["elements"] == []


def test_cells_are_typed_by_the_schema(hub: Hub) -> None:
    extended = {
        "points": {"type": "integer"},
        "vip": {"type": "boolean"},
        "sizes": {"type": "array", "items": {"type": "string"}},
    }
    assert hub.operator.put(f"{hub.configuration}/properties/extended", extended).status == 200
    header = "base.contacts.email;extended.points;extended.vip;extended.sizes;tags.manual;base.likes;base.subscriptions.news.subscribed;base.subscriptions.news.name;consents.profiling.online.status;base.dob;enabled"
    likes = json.dumps([{"id": "l", "category": "c", "name": "n"}]).replace('"', '""')
    line = f'a@x.it;7;TRUE;"[""S"", ""M""]";vip|new;"{likes}";true;News;true;1990-01-02;false'
    (row,) = done(hub, f"\ufeff{header}\r\n{line}\r\n")
    assert row["outcome"] == "created", row
    customer = hub.trusted.get(f"{hub.path}/customers/{row['id']}")
    assert customer["extended"] == {"points": 7, "vip": True, "sizes": ["S", "M"]}
    assert customer["tags"]["manual"] == ["vip", "new"]
    assert customer["base"]["likes"][0]["id"] == "l"
    (news,) = customer["base"]["subscriptions"]
    assert (news["id"], news["subscribed"], news["name"]) == ("news", True, "News")
    assert (customer["base"]["dob"], customer["enabled"]) == ("1990-01-02", False)
    assert ConsentLogEntry.objects.get().property == "consents.profiling.online.status"
    (row,) = done(hub, "base.contacts.email,base.dob,tags.manual\na@x.it,null,\n")
    assert row["outcome"] == "updated"
    customer = hub.trusted.get(f"{hub.path}/customers/{row['id']}")
    assert (customer["base"]["dob"], customer["tags"]["manual"]) == (None, ["vip", "new"])


def test_bad_rows_name_their_columns_and_hinder_no_other(hub: Hub) -> None:
    header = "base.contacts.email,base.firstName,enabled,base.dob,base.likes"
    rows = done(
        hub,
        f'{header}\na@x.it,{"x" * 256},,,\nno-email,,,,\nb@x.it,,maybe,,\nc@x.it,,,soon,\nd@x.it,,,,[1\ne@x.it,,,,,x,\n,,,,\nf@x.it,,,,,,\ng@x.it,"a\nb",,,\n',
    )
    assert outcomes(rows) == ["failed"] * 6 + ["created"] * 2
    assert [row["row"] for row in rows] == [*"2345679", "10"], "the empty row is none"
    assert [row["column"] for row in rows[:6]] == [
        "base.firstName", "base.contacts.email", "enabled", "base.dob", "base.likes", "",
    ]  # fmt: skip
    assert Customer.objects.count() == 2


def test_the_same_person_twice_in_a_file(hub: Hub) -> None:
    lines = "base.contacts.email,tags.manual\na@x.it,one\na@x.it,two\na@x.it,two\n"
    rows = done(hub, lines)
    assert outcomes(rows) == ["created", "updated", "unchanged"]
    assert len({row["id"] for row in rows}) == 1
    assert Customer.objects.get().tags == {"manual": ["one", "two"]}
    rows = done(hub, "base.contacts.email,tags.manual\na@x.it,x\nb@x.it,\nb@x.it,\n", "INSERT")
    assert outcomes(rows) == ["failed", "created", "failed"]
    assert "Conflict" in rows[0]["error"]
    assert Customer.objects.filter(base__contacts__email="a@x.it").get().version == 1


def test_deleting_customers(hub: Hub) -> None:
    one, two, three = (
        hub.post_customer(externalId=each, base={"contacts": {"email": f"{each}@x.it"}})["id"]
        for each in "abc"
    )
    elsewhere = hub.post_customer(nodeId=str(hub.other_node.id))["id"]
    rows = done(hub, f"id\n{one}\n{elsewhere}\nnonsense\n", "DELETE")
    assert outcomes(rows) == ["deleted", "failed", "failed"]
    assert outcomes(done(hub, "externalId\nb\nz\n", "DELETE")) == ["deleted", "failed"]
    (row,) = done(hub, "base.contacts.email\nC@x.it\n", "DELETE")
    assert (row["outcome"], row["id"]) == ("deleted", three)
    assert not Customer.objects.in_node(hub.workspace.id, hub.node.id).exists()
    assert two


def test_events(hub: Hub) -> None:
    customer = hub.post_customer(externalId="7")["id"]
    elsewhere = hub.post_customer(nodeId=str(hub.other_node.id))["id"]
    header = "customerId,externalId,sessionId,context,date,properties.url,properties.pageTags"
    rows = done(
        hub,
        f"{header}\n{customer},,,WEB,2021-01-01,https://a.example,x|y\n,7,,WEB,,,\n,,s-1,WEB,,,\n,,,WEB,,,\n{elsewhere},,,WEB,,,\n{customer},,,NOPE,,,\n",
        entity="EVENT",
        eventType="viewedPage",
    )
    assert outcomes(rows) == ["created"] * 3 + ["failed"] * 3
    first = Event.objects.get(id=rows[0]["id"])
    assert first.properties == {"url": "https://a.example", "pageTags": ["x", "y"]}
    assert str(Event.objects.get(id=rows[1]["id"]).customer_id) == customer
    assert Event.objects.get(id=rows[2]["id"]).customer_id is None
    rows = done(
        hub,
        f"id,properties.url\n{first.id},https://b.example\n{customer},x\n",
        entity="EVENT",
        eventType="viewedPage",
    )
    assert outcomes(rows) == ["updated", "failed"]
    assert outcomes(
        done(hub, f"id\n{first.id}\n", "DELETE", entity="EVENT", eventType="viewedPage")
    ) == ["deleted"]
    assert Event.objects.count() == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"), (b"base.shoe,base.contacts.email\n", "base.shoe"), (b"externalId,externalId\n", "twice"), (b"\xff\xfe\n", "UTF-16"),
        (b",\n", "empty"), (b"externalId\n\"open\n", "line"), (",".join(["externalId"] * 301).encode() + b"\n", "300"), (b"base.jobs.id\n", "base.jobs.id"), (b"ID\n", "ID"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used(hub: Hub, content: bytes, message: str) -> None:
    job = upload(hub, content)
    assert (job.status, job["status"]) == (201, "FAILED")
    assert message in job["errorMessage"]
    assert results(hub, job) == []
    assert not default_storage.listdir("bulk-jobs")[1]


def test_a_header_alone_is_a_job_without_rows(hub: Hub) -> None:
    assert done(hub, "externalId\n") == []


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        ({"operation": "X"}, {"/operation"}), ({"operation": "INSERT", "entity": "X"}, {"/entity"}), ({"operation": "INSERT", "entity": "EVENT"}, {"/eventType"}),
        ({"operation": "INSERT", "eventType": "loggedIn"}, {"/eventType"}), ({"operation": "INSERT", "entity": "EVENT", "eventType": "zz"}, {"/eventType"}),
    ],
)  # fmt: skip
def test_bad_forms(hub: Hub, fields: dict[str, str], places: set[str]) -> None:
    answer = upload(hub, "externalId\n", **fields)
    assert (answer.status, answer.paths) == (400, places)
    path = jobs_path(hub)
    assert hub.trusted.post(path, {"operation": "INSERT"}).status == 415
    broken = hub.trusted.post(path, raw=b"x", content_type="multipart/form-data; boundary=y")
    assert broken.status == 400
    assert hub.trusted.post(path, raw=b"x", content_type="multipart/form-data").status == 400


def test_too_large_and_locked(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "BULK_BYTES", 10)
    assert upload(hub, "x" * 70_000).status == 413
    monkeypatch.undo()
    type(hub.node).objects.filter(id=hub.node.id).update(state="LOCKED")
    hub.admin.put(f"{hub.configuration}/timezone", {})  # any change makes rules be read anew
    from configuration.queries.rules import configuration_changed

    configuration_changed(hub.workspace.id)
    from contacthub_project.messaging.shared_version import shared_version

    shared_version.advance()
    assert upload(hub, "externalId\n").status == 423


def test_ten_jobs_may_wait_also_from_parallel_uploads(live_hub: Hub) -> None:
    answers: list[Answer] = []

    def send() -> None:
        try:
            answers.append(upload(live_hub, "externalId\n1\n"))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [201] * 10 + [409] * 4
    assert all("Retry-After" in answer.headers for answer in answers if answer.status == 409)
    assert BulkJob.objects.count() == 10
    assert len(default_storage.listdir("bulk-jobs")[1]) == 10
    process(seconds=60)


def test_a_killed_worker_goes_on_after_the_last_chunk(hub: Hub, monkeypatch: Any) -> None:
    monkeypatch.setattr(processing, "CHUNK", 10)
    lines = "".join(f"p{number}@x.it,t{number}\n" for number in range(35))
    job = upload(hub, f"base.contacts.email,tags.manual\n{lines}")
    real, calls = failures.applied, []

    def dies(*given: Any) -> Any:
        calls.append(1)
        rows = real(*given)
        if len(calls) == 3:
            raise Killed
        return rows

    monkeypatch.setattr(failures, "applied", dies)
    with pytest.raises(Killed):
        process(seconds=60)
    half = hub.trusted.get(f"{jobs_path(hub)}/{job['id']}")
    assert (half["status"], half["processedEntities"]) == ("PROCESSING", 20)
    assert Customer.objects.count() == Result.objects.count() == 20
    assert process(seconds=60)
    rows = results(hub, job)
    assert outcomes(rows) == ["created"] * 35
    assert [int(row["row"]) for row in rows] == list(range(2, 37))
    assert Change.objects.count() == 35


def test_stop_and_go_on(hub: Hub, monkeypatch: Any) -> None:
    monkeypatch.setattr(processing, "CHUNK", 5)
    lines = "".join(f"p{number}@x.it\n" for number in range(12))
    job = upload(hub, f"base.contacts.email\n{lines}")
    assert not process(seconds=-1)
    row = BulkJob.objects.get(id=job["id"])
    stop_job(row)
    assert process(seconds=60)
    stopped = hub.trusted.get(f"{jobs_path(hub)}/{job['id']}")
    assert (stopped["status"], stopped["processedEntities"]) == ("STOPPED", 5)
    resume_job(row)
    assert process(seconds=60)
    assert Customer.objects.count() == 12


def test_old_jobs_and_removed_nodes(hub: Hub) -> None:
    done(hub, "base.contacts.email\na@x.it\n")
    stopped = upload(hub, "base.contacts.email\nb@x.it\n")
    stop_job(BulkJob.objects.get(id=stopped["id"]))
    waiting = upload(hub, "base.contacts.email\nc@x.it\n")
    recent = BulkJob.objects.order_by("created_at").first()
    assert recent is not None
    assert remove(recent.updated_at)
    assert BulkJob.objects.count() == 3
    assert remove(timezone.now())
    assert [str(job.id) for job in BulkJob.objects.all()] == [waiting["id"]]
    assert not Result.objects.exists()
    assert len(default_storage.listdir("bulk-jobs")[1]) == 1
    assert hub.admin.delete(f"{hub.configuration}/nodes/entries/{hub.node.id}").status == 204
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert remove_deleted(seconds=10)
    assert not BulkJob.objects.exists()
    assert not default_storage.listdir("bulk-jobs")[1]


def remove(before: Any) -> bool:
    with TestCase.captureOnCommitCallbacks(execute=True):
        return removal.remove_jobs(ended_before=before, seconds=60)


def delete(hub: Hub, job: Answer) -> Answer:
    with TestCase.captureOnCommitCallbacks(execute=True):
        return hub.trusted.delete(f"{jobs_path(hub)}/{job['id']}")


def test_a_job_is_deleted_with_file_and_results(hub: Hub, monkeypatch: Any) -> None:
    monkeypatch.setattr(processing, "CHUNK", 5)
    monkeypatch.setattr(removal, "RESULTS_AT_ONCE", 2)
    ended = upload(hub, "base.contacts.email\na@x.it\nb@x.it\nc@x.it\n")
    assert process(seconds=60)
    running = upload(
        hub, "base.contacts.email\n" + "".join(f"p{each}@x.it\n" for each in range(12))
    )
    assert not process(seconds=-1)
    waiting = upload(hub, "base.contacts.email\nd@x.it\n")
    refused = upload(hub, "")
    for job in (ended, running, waiting, refused):
        assert delete(hub, job).status == 204
        assert delete(hub, job).status == 404
        path = f"{jobs_path(hub)}/{job['id']}"
        assert hub.trusted.get(path).status == hub.trusted.get(f"{path}/results").status == 404
    assert hub.trusted.get(jobs_path(hub))["elements"] == []
    assert not default_storage.listdir("bulk-jobs")[1]
    assert process(seconds=60)
    assert Customer.objects.count() == 8, "what was done stays, what was not is not"
    assert Result.objects.count() == 8
    assert remove(timezone.now() - timedelta(days=30))
    assert not BulkJob.objects.exists()
    assert not Result.objects.exists()


def test_a_deleted_job_makes_room_for_another(hub: Hub) -> None:
    jobs = [upload(hub, "externalId\n1\n") for _ in range(10)]
    refused = upload(hub, "externalId\n1\n")
    assert refused.status == 409
    assert int(refused.headers["Retry-After"]) > 0
    assert delete(hub, jobs[3]).status == 204
    assert upload(hub, "externalId\n1\n").status == 201


def test_deleting_waits_for_the_rows_that_are_under_way(
    live_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processing, "CHUNK", 1)
    job = upload(live_hub, "base.contacts.email\na@x.it\nb@x.it\n")
    real = failures.applied
    threads: list[threading.Thread] = []
    answers: list[Answer] = []

    def send() -> None:
        try:
            answers.append(live_hub.trusted.delete(f"{jobs_path(live_hub)}/{job['id']}"))
        finally:
            connection.close()

    def applied(*given: Any) -> Any:
        threads.append(threading.Thread(target=send))
        threads[-1].start()
        while not waits_for_a_lock():
            assert threads[-1].is_alive()
        return real(*given)

    monkeypatch.setattr(failures, "applied", applied)
    assert processing.process(seconds=60)
    threads[0].join()
    assert [each.status for each in answers] == [204]
    assert len(threads) == 1
    assert Customer.objects.count() == 1
    assert not default_storage.listdir("bulk-jobs")[1]


def waits_for_a_lock() -> bool:
    """Whether another connection waits for a transaction of somebody's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )
        return cursor.fetchone() is not None


def test_results_are_no_formulas(hub: Hub) -> None:
    job = upload(hub, "base.contacts.email,externalId\na,=x\n")
    process(seconds=60)
    Result.objects.update(message="=cmd()", column="@x")
    (row,) = results(hub, job)
    assert (row["error"], row["column"], row["externalId"]) == ("'=cmd()", "'@x", "'=x")


def test_jobs_of_other_nodes(hub: Hub) -> None:
    job = upload(hub, "externalId\n")
    elsewhere = f"{hub.path}/nodes/{hub.other_node.id}/bulk-jobs/{job['id']}"
    assert hub.trusted.get(elsewhere).status == 404
    assert hub.trusted.get(f"{elsewhere}/results").status == 404


def test_passwords_come_in_by_files_and_go_out_by_none(hub: Hub) -> None:
    rows = done(
        hub,
        "base.contacts.email,base.credential.password\n"
        "a@x.it,a secret word\nnobody,another secret word\n",
    )
    assert outcomes(rows) == ["created", "failed"]
    customer = hub.trusted.get(f"{hub.path}/customers/{rows[0]['id']}")
    assert customer["base"]["credential"]["password"] == "a secret word"
    job = BulkJob.objects.get()
    (failed,) = Result.objects.filter(job=job, outcome="failed")
    assert failed.cells == ["nobody", ""]
    for query in ({}, {"outcome": "failed", "form": "input"}):
        answer = hub.trusted.get(f"{jobs_path(hub)}/{job.id}/results", query=query)
        assert answer.status == 200
        assert b"secret word" not in answer.content
    rows = done(hub, 'base.contacts.email,base.credential\nno,"{""password"": ""secret word""}"\n')
    assert outcomes(rows) == ["failed"]
    assert not Result.objects.filter(cells__icontains="secret word").exists()
