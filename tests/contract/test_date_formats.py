"""Every answer in both formats of moments: equal but for the end of each moment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from bulkjobs.actions.exporting import write_exports
from bulkjobs.models import Result
from configuration.actions import rekeying
from configuration.models import SendUserDatabase
from customers.actions.duplicates import find_duplicates
from customers.actions.refusals import recorder
from customers.models import (
    Change,
    ConsentLogEntry,
    Customer,
    QuarantinedRequest,
    Webhook,
    WebhookAttempt,
)
from segments.actions.refreshing import refresh_workspace
from segments.models import MembershipChange
from tests.bulkjobs.test_jobs import process, upload
from tests.client import Answer, ApiClient
from tests.configuration.test_send_sources import create as create_send_source
from tests.contract.document import described, parameters_of
from tests.contract.test_operations import BUILT, client_of, filled
from tests.customers.test_aggregates import activate, make, merge_all_pending
from tests.factories import Hub, make_token, make_user

READ = [operation for operation in BUILT if operation.method == "GET"]
# A client's text that looks like a moment; no moment of these tests is of that year.
TEXT = "1999-09-09T09:09:09.009Z"
MOMENT = re.compile(rb"(?!1999)(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})(Z|\+0000)")
DATE = "2026-01-12T11:00:00.000Z"
JANUARY = {"start": "2026-01-01", "end": "2026-01-31"}
EXTENDED = {
    "at": {"type": "string", "format": "date-time"},
    "times": {"type": "array", "items": {"type": "string", "format": "date-time"}},
    "box": {"type": "object", "properties": {"opened": {"type": "string", "format": "date-time"}}},
    "note": {"type": "string"},
}
VALUES = {"at": DATE, "times": [DATE, DATE], "box": {"opened": DATE}, "note": TEXT}
W = "/workspaces/{workspaceId}"
# Operations whose answers hold moments here, and at least how many.
HOLD_MOMENTS = {
    f"{W}/customers": 10,
    f"{W}/customers/{{customerId}}": 10,
    f"{W}/customers/{{customerId}}/entry-customers": 10,
    f"{W}/customers/{{customerId}}/subscriptions/{{propertyId}}": 4,
    f"{W}/customers/{{customerId}}/likes": 1,
    f"{W}/customers/{{customerId}}/likes/{{itemId}}": 1,
    f"{W}/customers/{{customerId}}/stats/buying-behaviors": 3,
    f"{W}/customers/{{customerId}}/stats/event-category-distribution": 2,
    f"{W}/data-protection/customers/{{customerId}}/export": 25,
    f"{W}/data-protection/customers/{{customerId}}": 20,
    f"{W}/events": 20,
    f"{W}/events/{{id}}": 8,
    f"{W}/updates": 30,
    f"{W}/consent-logs": 3,
    f"{W}/consent-logs/{{id}}": 2,
    f"{W}/configuration/users": 2,
    f"{W}/configuration/users/{{id}}": 2,
    f"{W}/configuration/retention-policy/status": 10,
    f"{W}/configuration/nodes/entries/{{nodeId}}/rekeying": 2,
    f"{W}/nodes/{{nodeId}}/bulk-jobs": 2,
    f"{W}/nodes/{{nodeId}}/bulk-jobs/{{jobId}}": 2,
    f"{W}/nodes/{{nodeId}}/export": 8,
    f"{W}/nodes/{{nodeId}}/exports/{{exportId}}": 2,
    f"{W}/data-quality": 1,
    f"{W}/refusals": 1,
    f"{W}/quarantine": 1,
    f"{W}/quarantine/{{quarantinedId}}": 1,
    f"{W}/webhooks": 4,
    f"{W}/webhooks/{{webhookId}}": 4,
    f"{W}/webhooks/{{webhookId}}/attempts": 1,
    f"{W}/merges": 1,
    f"{W}/merges/{{mergeId}}": 1,
    f"{W}/nodes/{{nodeId}}/duplicates": 5,
    f"{W}/customers/{{customerId}}/history": 10,
    f"{W}/customers/{{customerId}}/identities": 3,
    f"{W}/segments": 2,
    f"{W}/segments/{{segmentId}}": 2,
    f"{W}/segments/{{segmentId}}/customers": 10,
    f"{W}/segments/{{segmentId}}/changes": 1,
    f"{W}/segments/{{segmentId}}/export": 8,
    f"{W}/stats/events/kpi/purchases": 2,
    f"{W}/stats/customers/registrations": 2,
}
# Each of these answers is another one later: a log of itself, a moment or a cutoff that is now.
NEVER_THE_SAME = {
    f"{W}/customers/{{customerId}}/consents",
    f"{W}/data-protection/customers/{{customerId}}/export",
    f"{W}/configuration/retention-policy/status",
}


class FilledWorkspace:
    """A workspace with one of everything, moments wherever there can be some."""

    def __init__(self, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hub = hub
        properties = f"{hub.configuration}/properties/extended"
        assert hub.operator.put(properties, EXTENDED).status == 200
        for path in ("events/eventInvited", "products"):
            put = hub.operator.put(f"{hub.configuration}/{path}/properties/extended", EXTENDED)
            assert put.status == 200
        gone = hub.post_customer(base={"contacts": {"email": "gone@example.com"}})["id"]
        forgetting = f"{hub.path}/data-protection/customers/{gone}"
        forgotten = hub.clients["DPO"].delete(forgetting, query={"receipt": "true"})
        self.receipt = forgotten["id"]
        created = hub.post_customer(
            externalId=TEXT, extra=TEXT, extended=VALUES, tags={"manual": [TEXT]},
            consents={"disclaimer": {"date": DATE, "version": TEXT}},
            base={
                "contacts": {"email": "ada@example.com"}, "firstName": TEXT,
                "likes": [{"id": TEXT, "name": TEXT, "createdTime": DATE}],
                "educations": [{"id": TEXT, "schoolName": TEXT}], "jobs": [{"id": TEXT}],
                "subscriptions": [{
                    "id": "news", "subscribed": True, "name": TEXT, "startDate": DATE,
                    "endDate": DATE, "preferences": [{"key": "k", "value": TEXT}],
                }],
            },
        )  # fmt: skip
        assert created.status == 201, created.content
        self.customer = created["id"]
        hub.admin.patch(f"{hub.path}/customers/{self.customer}", {"extra": f"again {TEXT}"})
        product = {"id": "1", "name": TEXT, "sku": "s", "extended": VALUES}
        self.event = self.posted(
            "eventInvited", {"eventName": TEXT, "eventDate": DATE, "extended": VALUES}
        )
        self.posted("completedOrder", {
            "orderId": TEXT, "type": "sale", "amount": {"total": 5},
            "products": [product | {"price": 5, "subtotal": 5, "quantity": 1}],
        })  # fmt: skip
        self.posted("surveyCompiled", {"data": {"startDate": TEXT}, "startDate": DATE})
        self.posted("viewedProduct", product)
        self.session = hub.trusted.post(
            f"{hub.path}/customers/{self.customer}/sessions", {"value": TEXT}
        )["id"]
        monkeypatch.setattr(rekeying, "AT_ONCE", 0)
        policy = f"{hub.configuration}/nodes/entries/{hub.other_node.id}/"
        matching = {"properties": ["externalId"], "caseSensitive": True}
        hub.post_customer(nodeId=str(hub.other_node.id), externalId="x")
        put = hub.admin.put(f"{policy}unique-customer-matching-policy", matching)
        assert put.status == 202, put.content
        assert rekeying.rekey(hub.workspace.id, hub.other_node.id)
        self.aggregate = make(hub, entryNodes=[str(hub.node.id)])
        activate(hub, self.aggregate)
        merge_all_pending()
        assert hub.admin.delete(f"{hub.path}/events/{self.posted('loggedIn', {})}").status == 204
        webhooks = f"{hub.path}/webhooks"
        hook = {"name": TEXT, "url": "https://hooks.example/"}
        other = hub.post_customer(
            base={"contacts": {"email": "other@example.com"}, "likes": [{"id": "art", "createdTime": DATE}]},
            externalId="other", extended=VALUES,
        )  # fmt: skip
        put = hub.admin.put(hub.configuration, {"historyDays": 9, "findDuplicates": True})
        assert put.status == 200
        merging = f"{hub.path}/customers/{self.customer}/merge"
        self.merge = hub.admin.post(merging, {"customers": [other["id"]]})["id"]
        change = {"extended": {"at": "2026-02-02T11:00:00.000Z"}}
        hub.admin.patch(f"{hub.path}/customers/{self.customer}", change)
        for name in ("c", "d"):
            hub.post_customer(
                base={"contacts": {"email": f"twins@{name}.it"}, "firstName": "T", "lastName": "W"}
            )
        assert find_duplicates(seconds=20)
        self.webhook = hub.admin.post(webhooks, hook)["id"]
        now = timezone.now()
        Webhook.objects.update(failing_since=now, next_attempt_at=now)
        WebhookAttempt.objects.create(
            workspace_id=hub.workspace.id, webhook_id=self.webhook, message_id=TEXT,
            first_offset=1, last_offset=1, updates=1, milliseconds=1,
        )  # fmt: skip
        assert hub.post_customer(extra=5, externalId=TEXT).status == 400
        recorder.write()
        self.refused = QuarantinedRequest.objects.get(workspace_id=hub.workspace.id).id
        subject_request = {
            "type": "ACCESS",
            "receivedOn": "2025-11-20",
            "customerId": self.customer,
        }
        requests = f"{hub.path}/data-protection/requests"
        self.request = hub.clients["DPO"].post(requests, subject_request)["id"]
        condition = {"type": "atomic", "attribute": "id", "operator": "IS_NOT_NULL"}
        query = {"query": {"type": "simple", "are": {"condition": condition}}}
        segment = {"nodeId": str(hub.node.id), "name": TEXT, "query": query}
        self.segment = hub.admin.post(f"{hub.path}/segments", segment)["id"]
        self.other_segment = hub.admin.post(f"{hub.path}/segments", segment)["id"]
        refresh_workspace(hub.workspace.id)
        MembershipChange.objects.create(
            workspace_id=hub.workspace.id, segment_id=self.segment, node_id=hub.node.id,
            customer_id=self.customer, has_entered=True, changed_at=now,
        )  # fmt: skip
        self.job = upload(hub, f"base.contacts.email,extra\nb@x.it,{TEXT}\n")["id"]
        assert process(seconds=60)
        exports = f"{hub.path}/nodes/{hub.node.id}/exports"
        self.export = hub.trusted.post(exports, query={"fields": "externalId"})["id"]
        write_exports(between_pieces=lambda: None)
        assert create_send_source(hub).status == 201
        SendUserDatabase.objects.create(
            group_pk=hub.workspace.group_pk, userdb_id="db7", name=TEXT,
            fields=[{"id": TEXT}], subscriptions=[{"id": TEXT}],
        )  # fmt: skip
        # Disabled properties stay stored, and are in a person's export.
        self.hub.operator.put(properties, EXTENDED | {"at": EXTENDED["at"] | {"enabled": False}})
        refresh_workspace(hub.workspace.id)  # from here on segments are not behind

    def posted(self, kind: str, content: dict[str, Any]) -> str:
        body = {
            "customerId": self.customer, "type": kind, "context": "WEB", "date": DATE,
            "properties": content, "tracking": {"ga": {"utm_source": TEXT}},
        }  # fmt: skip
        answer = self.hub.trusted.post(f"{self.hub.path}/events", body)
        assert answer.status == 202, answer.content
        return answer["id"]

    def path(self, template: str) -> str:
        hub = self.hub
        node = hub.other_node if template.endswith("/rekeying") else hub.node
        own: dict[str, Any] = {"id": self.event}
        if "consent-logs" in template:
            dated = ConsentLogEntry.objects.filter(property="consents.disclaimer.date")
            own["id"] = dated.get(customer_id=self.customer).id
        if "users" in template:
            own["id"] = hub.operator.get(f"{hub.configuration}/users")["elements"][0]["id"]
        customer = self.customer
        if "entry-customers" in template:
            customer = str(Customer.objects.get(node_id=self.aggregate).id)
        return filled(
            template, workspaceId=hub.workspace.id, nodeId=node.id, customerId=customer,
            sourceId=hub.source.id, eventType="eventInvited", planModel="COUPON",
            propertyId="news", itemId=TEXT, jobId=self.job, exportId=self.export, webhookId=self.webhook, segmentId=self.segment, requestId=self.request, quarantinedId=self.refused, mergeId=self.merge, receiptId=self.receipt, aggregateNodeId=self.aggregate,
            sessionId=self.session, groupPk=hub.workspace.group_pk, userdbId="db7",
            subscriberSourceId="db7", **own,
        )  # fmt: skip

    def query(self, template: str) -> dict[str, Any]:
        if "/stats" in template:
            return JANUARY | ({"nodeId": self.hub.node.id} if "nodes" not in template else {})
        if template.endswith("/overlap"):
            return {"segmentIds": f"{self.segment},{self.other_segment}"}
        if template.endswith("/consents/audience"):
            return {"path": "marketing.automatic.email", "at": DATE}
        if template.endswith(("/customers", "/events")) and "configuration" not in template:
            return {"nodeId": self.hub.node.id, "size": 100, "sort": "id"}
        return {"from": 1, "to": 2} if template.endswith("/verify") else {}


@pytest.fixture
def filled_hub(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> FilledWorkspace:
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "bulk-jobs").mkdir()
    return FilledWorkspace(hub, monkeypatch)


def in_offsets(content: bytes) -> bytes:
    """What is expected of the other format: the answer with every moment ended otherwise."""
    return MOMENT.sub(rb"\1+0000", content)


def masked(content: bytes) -> Any:
    """Without what differs from one answer to the next in an answer that is never the same."""
    answer = json.loads(MOMENT.sub(b"<moment>", content))
    if "consentLogs" in answer:
        kept = [line for line in answer["consentLogs"] if not line["type"].startswith("DATA_")]
        answer["consentLogs"] = kept
    return answer


@pytest.mark.timeout(300)
def test_every_answer_in_both_formats(filled_hub: FilledWorkspace) -> None:
    hub, found = filled_hub.hub, {}
    for operation in READ:
        client = ApiClient() if operation.is_public else client_of(hub, operation)
        path, query = filled_hub.path(operation.path), filled_hub.query(operation.path)
        usual = client.get(path, query=query)
        assert usual.status == 200, (operation.path, usual.content)
        zulu = client.get(path, query=query, X_Date_Format="Z")
        other = client.get(path, query=query, X_Date_Format="+0000")
        assert other.status == 200, (operation.path, other.content)
        moments = MOMENT.findall(other.content)
        assert {suffix for _, suffix in moments} <= {b"+0000"}, operation.path
        assert {suffix for _, suffix in MOMENT.findall(usual.content)} <= {b"Z"}, operation.path
        if operation.path in NEVER_THE_SAME:
            assert masked(other.content) == masked(usual.content)
        else:
            assert zulu.content == usual.content
            assert other.content == in_offsets(usual.content), operation.path
            assert other.headers.get("ETag") == usual.headers.get("ETag")
        names = {each["name"] for each in parameters_of(described(operation.id)[1])}
        if moments:
            found[operation.path] = len(moments)
            assert "X-Date-Format" in names, operation.path
    lacking = {path: (least, found.get(path, 0)) for path, least in HOLD_MOMENTS.items()
               if found.get(path, 0) < least}  # fmt: skip
    assert not lacking, (lacking, found)


def test_texts_that_look_like_moments_stay(filled_hub: FilledWorkspace) -> None:
    hub = filled_hub.hub
    customer = f"{hub.path}/customers/{filled_hub.customer}"
    for path, texts in (
        (customer, 9), (f"{hub.path}/events/{filled_hub.event}", 3),
        (f"{hub.path}/updates", 30), (f"{hub.path}/nodes/{hub.node.id}/export", 9),
        (f"{hub.path}/data-protection/customers/{filled_hub.customer}/export", 20),
    ):  # fmt: skip
        usual = hub.operator.get(path).content.count(TEXT.encode())
        other = hub.operator.get(path, X_Date_Format="+0000").content
        assert other.count(TEXT.encode()) == usual
        assert usual >= texts, path


def test_events_as_csv(filled_hub: FilledWorkspace) -> None:
    hub = filled_hub.hub
    for kind, least in (("eventInvited", 6), ("completedOrder", 5), ("viewedProduct", 5)):
        path, query = (
            f"{hub.path}/nodes/{hub.node.id}/export",
            {"entity": "EVENT", "eventType": kind},
        )
        usual = hub.trusted.get(path, query=query).content
        other = hub.trusted.get(path, query=query, X_Date_Format="+0000").content
        assert other == in_offsets(usual)
        assert other.count(b"+0000") >= least, other
        assert TEXT.encode() in other


def test_a_file_with_offsets_is_loaded_again(filled_hub: FilledWorkspace) -> None:
    hub = filled_hub.hub
    exported = hub.trusted.get(
        f"{hub.path}/nodes/{hub.node.id}/export", X_Date_Format="+0000"
    ).content
    before = hub.trusted.get(f"{hub.path}/customers/{filled_hub.customer}").json
    assert upload(hub, exported)["status"] == "LOADED"
    assert process(seconds=60)
    assert not Result.objects.filter(outcome="FAILED").exists()
    assert hub.trusted.get(f"{hub.path}/customers/{filled_hub.customer}").json == before


def test_the_answers_of_writes(filled_hub: FilledWorkspace) -> None:
    """Also to one that may not read, who is told what it has sent: as it is kept."""
    hub = filled_hub.hub
    odd = "2026-01-12T13:00:00+02:00"
    base = {
        "contacts": {"email": "new@x.it"}, "firstName": TEXT,
        "subscriptions": [{"id": "a", "subscribed": True, "startDate": odd}],
        "likes": [{"id": "l", "createdTime": odd}],
    }  # fmt: skip
    extended = {"times": [odd], "note": TEXT}
    subscription = {"subscribed": True, "endDate": odd, "name": TEXT}

    def reported(client: ApiClient, **header: str) -> Iterator[Answer]:
        body = {"nodeId": str(hub.node.id), "base": base, "extended": extended}
        created = client.post(f"{hub.path}/customers", body, **header)
        yield created
        one = f"{hub.path}/customers/{created['id']}"
        yield client.patch(one, {"base": base, "extended": extended}, **header)
        yield client.put(one, body, **header)
        yield client.put(f"{one}/subscriptions/a", subscription, **header)

    person = make_user("USER", workspaces=(hub.workspace,), grants={hub.node: "W"})
    for client in (hub.trusted, ApiClient(make_token(person))):
        for usual, other in zip(
            reported(client), reported(client, X_Date_Format="+0000"), strict=True
        ):
            assert usual.status in {200, 201}, usual.content
            assert other.status == 200, other.content
            assert {end for _, end in MOMENT.findall(usual.content)} == {b"Z"}
            assert {end for _, end in MOMENT.findall(other.content)} == {b"+0000"}
            assert b"13:00:00" not in usual.content + other.content
            assert TEXT.encode() in other.content
    from_a_page = hub.post_customer(
        hub.untrusted, base=base | {"contacts": {"email": "page@x.it"}}, extended=extended
    )
    assert from_a_page["extended"]["times"] == [DATE]
    assert from_a_page["base"]["likes"][0]["createdTime"] == DATE
    added = hub.trusted.post(
        f"{hub.path}/customers/{filled_hub.customer}/subscriptions", {"id": "x", **subscription},
        X_Date_Format="+0000",
    )  # fmt: skip
    likes = f"{hub.path}/customers/{filled_hub.customer}/likes"
    liked = hub.trusted.post(likes, {"id": "x", "createdTime": odd}, X_Date_Format="+0000")
    assert (liked.status, liked["createdTime"]) == (201, "2026-01-12T11:00:00.000+0000")
    assert hub.trusted.put(f"{likes}/x", liked.json).status == 200
    assert (added.status, added["endDate"]) == (201, "2026-01-12T11:00:00.000+0000")


@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST"])
def test_a_customer_read_with_offsets_is_written_back(
    filled_hub: FilledWorkspace, method: str
) -> None:
    hub = filled_hub.hub
    one = f"{hub.path}/customers/{filled_hub.customer}"
    read = hub.trusted.get(one, X_Date_Format="+0000")
    assert read["registeredAt"].endswith("+0000")
    changes = Change.objects.count()
    path = f"{hub.path}/customers" if method == "POST" else one
    written = hub.trusted.request(method, path, read.json, X_Date_Format="+0000")
    assert (written.status, written.json) == (200, read.json)
    assert Change.objects.count() == changes


def test_errors_keep_their_form(hub: Hub) -> None:
    for path in (f"{hub.path}/customers/unknown", f"{hub.path}/events/unknown"):
        answer = hub.trusted.get(path, X_Date_Format="+0000")
        assert answer.status == 404
        assert set(answer.json) == {"message", "logref", "data", "errors"}
