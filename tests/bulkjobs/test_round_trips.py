"""What goes out comes in again: here and in another node, in every kind of file."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import openpyxl
import pytest
from django.core.files.storage import default_storage
from django.test import TestCase
from django.utils import timezone

from bulkjobs.actions import exporting, processing
from bulkjobs.actions.exporting import remove_exports, write_exports
from bulkjobs.models import BulkJob, ExportJob
from configuration.models import StaffChange
from customers.models import Change, Customer
from customers.models.passwords import decrypted
from events.models import Event
from tests.bulkjobs.test_export import TRICKY
from tests.bulkjobs.test_fairness import people, upload_to
from tests.bulkjobs.test_jobs import done, outcomes, process, results, upload
from tests.factories import Hub

ORDERS = {"entity": "EVENT", "eventType": "completedOrder"}


def export_path(hub: Hub, node: Any = None) -> str:
    return f"{hub.path}/nodes/{(node or hub.node).id}/export"


def exported(hub: Hub, node: Any = None, **query: Any) -> bytes:
    answer = hub.trusted.get(export_path(hub, node), query=query)
    assert answer.status == 200, answer.content
    content: bytes = answer.content
    return content


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def filled(hub: Hub, count: int = 3, *, disabled: bool = False) -> list[str]:
    """Customers with texts that are hard to write down, and more."""
    ids = []
    for number in range(count):
        text = TRICKY[number % len(TRICKY)]
        ids.append(
            hub.post_customer(
                externalId=f"{number:03d}", extra=text, enabled=not disabled or bool(number % 2),
                base={
                    "contacts": {
                        "email": f"p{number}@x.it", "mobilePhone": "+39 333",
                        "otherContacts": [{"name": "n;=1", "type": "EMAIL", "value": f"o{number}@x.it"}],
                    },
                    "firstName": text, "dob": "1990-01-02",
                    "credential": {"username": "u", "password": "secret-word"},
                    "likes": [{"id": "l", "category": "-c", "name": "x,=y"}],
                    "subscriptions": [{"id": "news", "subscribed": True, "name": text}],
                },
                tags={"manual": [text or "x", "a|b"]},
                consents={"profiling": {"online": {"status": True}}},
            )["id"]
        )  # fmt: skip
    return ids


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_taken_in_again_at_the_same_node_nothing_changes(hub: Hub, file_format: str) -> None:
    ids = filled(hub, len(TRICKY), disabled=True)
    changes = Change.objects.count()
    content = exported(hub, format=file_format)
    rows = done(hub, content)  # type: ignore[arg-type]
    assert outcomes(rows) == ["unchanged"] * len(ids), rows
    assert sorted(row["id"] for row in rows) == sorted(ids)
    assert Change.objects.count() == changes
    assert b"secret-word" not in content
    kept = {decrypted(each.base["credential"]["password"]) for each in Customer.objects.all()}
    assert kept == {"secret-word"}


def test_customers_and_their_events_move_to_another_node(hub: Hub) -> None:
    ids = filled(hub, 3)
    for number, customer in enumerate(ids):
        order = {"orderId": f"=o{number}", "products": [{"id": "P", "type": "sale"}]}
        more: dict[str, Any] = {"externalId": f"order-{number}"} if number else {}
        body = {
            "type": "completedOrder",
            "context": "WEB",
            "properties": order,
            "customerId": customer,
        }
        assert hub.trusted.post(f"{hub.path}/events", body | more).status == 202
    waiting = {"type": "completedOrder", "context": "WEB", "properties": {"orderId": "w"}}
    waiting |= {"bringBackProperties": {"value": "s", "nodeId": str(hub.node.id)}}
    assert hub.trusted.post(f"{hub.path}/events", waiting).status == 202
    events = exported(hub, **ORDERS)
    assert {row["externalId"] for row in rows_of(events)} == {"000", "001", "002", ""}
    rows = done(hub, events, **ORDERS)  # type: ignore[arg-type]
    assert outcomes(rows) == ["unchanged"] * 4, rows
    job = upload_to(hub, hub.other_node, exported(hub).decode())
    assert process(seconds=60)
    assert BulkJob.objects.get(id=job["id"]).outcomes == {"created": 3}
    first, hub.node = hub.node, hub.other_node
    assert outcomes(done(hub, events, **ORDERS)) == ["created"] * 4  # type: ignore[arg-type]
    moved = Event.objects.filter(node=hub.other_node)
    owners = {each.properties["orderId"]: each.customer_id for each in moved}
    people = dict(Customer.objects.filter(node=hub.other_node).values_list("external_id", "id"))
    assert owners == {"=o0": people["000"], "=o1": people["001"], "=o2": people["002"], "w": None}
    again = done(hub, events, **ORDERS)  # type: ignore[arg-type]
    assert sorted(outcomes(again)) == ["created", "created", "unchanged", "unchanged"], (
        "by their own ids"
    )
    hub.node = first


def test_changes_and_deletions_by_id(hub: Hub) -> None:
    one, two = filled(hub, 2)
    rows = done(hub, f"id,base.firstName,base.contacts.email\n{one},Ada,new@x.it\n{two},,p1@x.it\n")
    assert [(row["outcome"], row["id"]) for row in rows] == [("updated", one), ("unchanged", two)]
    assert Customer.objects.get(id=one).base["contacts"]["email"] == "new@x.it"
    rows = done(hub, f"id,base.contacts.email\n{two},new@x.it\n42,a@x.it\n{Hub().node.id},b@x.it\n")
    assert outcomes(rows) == ["failed", "failed", "created"]
    assert (rows[1]["column"], rows[1]["code"]) == ("id", "format")
    assert outcomes(done(hub, f"id\n{one}\n", "DELETE")) == ["deleted"]
    body = {"type": "loggedIn", "context": "WEB", "customerId": two}
    event = hub.trusted.post(f"{hub.path}/events", body)["id"]
    fields = {"entity": "EVENT", "eventType": "loggedIn"}
    assert outcomes(done(hub, f"id\n{event}\n", "DELETE", **fields)) == ["deleted"]
    assert not Event.objects.exists()


def test_a_part_of_a_node_goes_out(hub: Hub) -> None:
    filled(hub, 3)
    condition = {
        "type": "atomic",
        "attribute": "base.contacts.email",
        "operator": "IN",
        "value": ["p1@x.it", "p2@x.it"],
    }
    query = {"name": "q", "query": {"type": "simple", "name": "s", "are": {"condition": condition}}}
    found = rows_of(
        exported(hub, query=json.dumps(query), fields="base.contacts,externalId", sort="externalId,desc")
    )  # fmt: skip
    assert [row["externalId"] for row in found] == ["002", "001"]
    assert set(found[0]) == {
        "id", "externalId", "base.contacts.email", "base.contacts.fax", "base.contacts.mobilePhone",
        "base.contacts.phone", "base.contacts.otherContacts", "base.contacts.mobileDevices",
    }  # fmt: skip
    lines = exported(hub, format="jsonl", fields="base.firstName,base.credential").splitlines()
    assert [set(json.loads(line)) for line in lines] == [{"id", "base"}] * 3
    assert json.loads(lines[0])["base"]["credential"] == {"username": "u"}
    assert exported(hub, excel="true").startswith(b"\xef\xbb\xbfid,")
    book = openpyxl.load_workbook(io.BytesIO(exported(hub, format="xlsx", fields="base.firstName")))
    values = [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]
    assert [row[1] for row in values] == ["base.firstName", "'=1+1", "'+39 055", "'-x"] or [
        row[1] for row in values
    ] == ["base.firstName", *TRICKY[:3]]
    assert {cell.data_type for row in book.worksheets[0].iter_rows(min_row=2) for cell in row} == {
        "s"
    }


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"query": "x"}, ""), ({"query": "{}"}, "/query"), ({"fields": "base.shoe"}, "fields"),
        ({"fields": "base.credential.password"}, "fields"), ({"sort": "base.likes"}, "sort"),
        ({"format": "pdf"}, "format"), ({"excel": "x"}, "excel"),
        ({**ORDERS, "query": "{}"}, "query"), ({**ORDERS, "sort": "id"}, "sort"),
    ],
)  # fmt: skip
def test_exports_that_cannot_be(hub: Hub, query: dict[str, str], place: str) -> None:
    for method, path in (("get", "export"), ("post", "exports")):
        client = hub.trusted
        address = f"{hub.path}/nodes/{hub.node.id}/{path}"
        answer = (
            client.get(address, query=query)
            if method == "get"
            else client.post(address, query=query)
        )
        assert answer.status == 400
        assert any(place in each for each in answer.paths), answer.content


def write(between_pieces: Any = lambda: None) -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        write_exports(between_pieces=between_pieces)


def requested(hub: Hub, **query: str) -> Any:
    answer = hub.trusted.post(f"{hub.path}/nodes/{hub.node.id}/exports", query=query)
    assert answer.status == 202, answer.content
    return answer


def test_an_export_in_the_background(hub: Hub) -> None:
    filled(hub, 3)
    job = requested(hub, fields="externalId")
    path = f"{hub.path}/nodes/{hub.node.id}/exports/{job['id']}"
    assert (job["status"], job["writtenEntities"], job["format"]) == ("LOADED", 0, "csv")
    assert hub.trusted.get(f"{path}/file").status == 409
    write()
    reported = hub.trusted.get(path)
    assert (reported["status"], reported["writtenEntities"], reported["errorMessage"]) == (
        "PROCESSED",
        3,
        None,
    )
    answer = hub.trusted.get(f"{path}/file")
    assert answer.content == exported(hub, fields="externalId")
    noted = StaffChange.objects.filter(path__endswith="/export")
    assert [f"by source {hub.source.id}" in each.summary for each in noted] == [True, True]
    elsewhere = f"{hub.path}/nodes/{hub.other_node.id}/exports/{job['id']}"
    assert hub.trusted.get(elsewhere).status == hub.trusted.get(f"{elsewhere}/file").status == 404
    (stored,) = default_storage.listdir("exports")[1]
    default_storage.delete(f"exports/{stored}")  # as an erasure does, after the export was read
    assert hub.trusted.get(f"{path}/file").status == 404
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert hub.trusted.delete(path).status == 204
    assert hub.trusted.get(path).status == 404
    assert not default_storage.listdir("exports")[1]


def test_an_export_may_be_requested_by_a_body(hub: Hub) -> None:
    filled(hub, 3)
    path = f"{hub.path}/nodes/{hub.node.id}/exports"
    only = {"type": "atomic", "attribute": "externalId", "operator": "EQUALS", "value": "001"}
    query = {"name": "", "query": {"type": "simple", "name": "q", "are": {"condition": only}}}
    body = {"query": query, "fields": ["externalId"], "excel": True, "sort": ["externalId,desc"]}
    job = hub.trusted.post(path, body)
    assert job.status == 202, job.content
    write()
    file = hub.trusted.get(f"{path}/{job['id']}/file").content
    assert file == exported(hub, query=json.dumps(query), fields="externalId", excel="true")
    assert b"001" in file
    assert b"002" not in file
    for wrong in (
        {"filter": {}}, {"fields": 5}, {"fields": [5]}, {"excel": "yes"}, {"format": "pdf"},
        {"entity": ["CUSTOMER"]}, {"query": "{"}, {"entity": "EVENT"}, {"query": []},
    ):  # fmt: skip
        refused = hub.trusted.post(path, wrong)
        assert refused.status == 400, wrong
    assert hub.trusted.post(path, {"format": "csv"}, query={"format": "xlsx"}).status == 400


def test_exports_are_bounded_and_go_after_some_days(hub: Hub) -> None:
    for _ in range(10):
        requested(hub)
    refused = hub.trusted.post(f"{hub.path}/nodes/{hub.node.id}/exports")
    assert refused.status == 409
    assert int(refused.headers["Retry-After"]) > 0
    write()
    assert len(default_storage.listdir("exports")[1]) == 10
    with TestCase.captureOnCommitCallbacks(execute=True):
        remove_exports(ended_before=timezone.now())
    assert not ExportJob.objects.exists()
    assert not default_storage.listdir("exports")[1]


def test_jobs_are_worked_on_while_an_export_is_written(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(hub, 3)
    monkeypatch.setattr(exporting, "LOOK_SECONDS", 0.0)
    job = requested(hub)
    short = upload(hub, people("c", 1))
    seen = []

    def between_pieces() -> None:
        processing.process(seconds=1.0)
        seen.append((ExportJob.objects.get().status, BulkJob.objects.get().status))

    write(between_pieces)
    assert seen[0] == ("PROCESSING", "PROCESSED")
    assert outcomes(results(hub, short)) == ["created"]
    assert ExportJob.objects.get(id=job["id"]).written == 3, "as one moment saw them"


def test_nobody_who_was_forgotten_is_in_a_file(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = filled(hub, 3)
    monkeypatch.setattr(exporting, "LOOK_SECONDS", 0.0)
    kept, waits = requested(hub), None
    write()

    def forget(customer: str) -> None:
        with TestCase.captureOnCommitCallbacks(execute=True):
            path = f"{hub.path}/data-protection/customers/{customer}"
            assert hub.clients["DPO"].delete(path).status == 204

    forget(ids[0])
    gone = hub.trusted.get(f"{hub.path}/nodes/{hub.node.id}/exports/{kept['id']}")
    assert gone["status"] == "FAILED"
    assert not default_storage.listdir("exports")[1]
    waits = requested(hub)
    left = [ids[1]]

    def between_pieces() -> None:
        if left:
            forget(left.pop())

    write(between_pieces)
    path = f"{hub.path}/nodes/{hub.node.id}/exports/{waits['id']}/file"
    assert {row["id"] for row in rows_of(hub.trusted.get(path).content)} == {ids[2]}
    assert len(default_storage.listdir("exports")[1]) == 1


@pytest.mark.parametrize("query", [{}, {"format": "xlsx"}, {**ORDERS}])
def test_a_template_has_every_column_and_is_taken_in(hub: Hub, query: dict[str, str]) -> None:
    extended = {"shoe": {"type": "integer"}}
    assert hub.operator.put(f"{hub.configuration}/properties/extended", extended).status == 200
    answer = hub.trusted.get(f"{hub.path}/nodes/{hub.node.id}/import-template", query=query)
    fields = {name: value for name, value in query.items() if name != "format"}
    job = upload(hub, answer.content, **fields)
    assert job["status"] == "LOADED", job.content
    assert process(seconds=60)
    columns = hub.trusted.get(f"{hub.path}/nodes/{hub.node.id}/bulk-jobs/{job['id']}/report")[
        "columns"
    ]
    paths = {each["property"] for each in columns}
    expected = (
        {"properties.orderId", "eventExternalId"} if fields else {"extended.shoe", "base.dob"}
    )
    assert expected <= paths
    assert "base.credential.password" not in paths
