"""Nothing of a person who was forgotten is left anywhere: a dump, files, Valkey and logs are searched.

The person has come by every way there is.
"""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from bulkjobs.actions.exporting import write_exports
from bulkjobs.actions.processing import process
from contacthub_project.admin.pages.privacy_display import HOLDINGS
from contacthub_project.messaging.redis_clients import redis_client
from customers.actions.duplicates import find_duplicates
from customers.actions.refusals import recorder
from customers.models import Customer, QuarantinedRequest, SavedSearch, WebhookAttempt
from segments.actions import refreshing
from segments.models import Member
from tests.back_office.office import Staff
from tests.bulkjobs.test_jobs import upload
from tests.customers.test_aggregates import activate, make, merge_all_pending
from tests.customers.test_erasure import delete, forget, protected
from tests.factories import Hub
from tests.test_backup import program

EMAIL = "Zebedee@quillfeather.example"
TRACES = ("zebedee", "quillfeather", "zebra", "055123456", "zanzibar")
PERSON: dict[str, Any] = {
    "externalId": "zebra-4711",
    "extra": "allergic to Zanzibar nuts",
    "base": {
        "firstName": "Zebedee", "lastName": "Quillfeather",
        "contacts": {"email": EMAIL, "mobilePhone": "+39055123456"},
        "subscriptions": [{"id": "zebra-news", "subscribed": True}],
        "credential": {"username": "zebra", "password": "zanzibar"},
    },
    "tags": {"manual": ["zebra-rider"]},
    "consents": {"disclaimer": {"version": "zebra-terms"}, "profiling": {"online": {"status": True}}},
}  # fmt: skip


# Where `write_about` and `send_refused_data` leave something.
WRITTEN = {
    "customers_datasubjectrequest", "customers_quarantinedrequest", "customers_savedsearch",
    "customers_webhook", "customers_webhookattempt", "segments_segment", "segments_member",
    "segments_listedcustomer", "segments_membershipchange", "customers_aggregatepin",
    "customers_valuechange", "customers_recordmerge", "configuration_idempotencykey",
    "configuration_staffchange", "customers_blockingkey",
}  # fmt: skip
SECOND: dict[str, Any] = {
    "externalId": "zebra-4712",
    "base": {"firstName": "Zebedee", "contacts": {"email": "second@quillfeather.example"}},
    "consents": {"disclaimer": {"version": "zebra-terms-2"}},
}


@pytest.fixture(autouse=True)
def _uploads_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "uploads"
    (tmp_path / "uploads" / "bulk-jobs").mkdir(parents=True)


def forms_of(trace: str) -> list[bytes]:
    """A trace as text, and as it stands in binary columns and in encoded text."""
    texts = [trace, trace.capitalize(), trace.upper()]
    inner = [base64.b64encode(each.encode())[:-4] for each in texts]
    return [trace.encode(), *(each.encode().hex().encode() for each in texts), *inner]


def found_in(content: bytes) -> set[str]:
    """The traces of the person in a content, in any case."""
    lowered = content.lower()
    return {
        trace
        for trace in TRACES
        for form in forms_of(trace)
        if form in (content if len(form) > 6 and form != form.lower() else lowered)
    }


def everything(tmp_path: Path, logged: str) -> dict[str, bytes]:
    """All that the product keeps, by where it keeps it."""
    dump = tmp_path / "hub.sql"
    program("pg_dump", "--format=plain", f"--file={dump}", connection.settings_dict["NAME"])
    places = {"the database": dump.read_bytes(), "logs": logged.encode()}
    for file in (tmp_path / "uploads").rglob("*"):
        if file.is_file():
            places[f"file {file}"] = file.name.encode() + file.read_bytes()
    valkey = redis_client(timeout=5)
    for key in valkey.scan_iter(count=1000):
        places[f"valkey {key!r}"] = bytes(key) + (valkey.dump(key) or b"")
    return places


def write_about(hub: Hub, customer: str) -> None:
    """Staff looks for the person, and writes rules, names, requests and reasons about them."""
    dpo, staff = hub.clients["DPO"], Staff(hub, "ADMIN", "DPO")
    protection = f"{hub.path}/data-protection"
    for known in ({"email": EMAIL}, {"phone": "+39055123456"}, {"name": "Zebedee"}):
        body = known | {"reason": f"a letter of {EMAIL}"}
        assert dpo.post(f"{protection}/look-ups", body)["elements"], known
    request = {"type": "ACCESS", "subject": f"Mr Quillfeather, {EMAIL}", "note": "zebra"}
    assert dpo.post(f"{protection}/requests", request).status == 201
    named = {"type": "RECTIFICATION", "customerId": customer, "note": "wants Zanzibar spelled"}
    assert dpo.post(f"{protection}/requests", named).status == 201
    restriction = f"{protection}/customers/{customer}/restriction"
    reason = {"isRestricted": True, "reason": "Zebedee asked by telephone"}
    assert dpo.post(restriction, reason).status == 200
    condition = {"attribute": "base.contacts.email", "operator": "EQUALS", "value": EMAIL}
    query = {"name": "q", "query": {
        "type": "simple", "name": "s", "are": {"condition": {"type": "atomic"} | condition},
    }}  # fmt: skip
    segment = {"nodeId": str(hub.node.id), "name": f"Only {EMAIL}", "query": query}
    made = hub.admin.post(f"{hub.path}/segments", segment)
    assert made.status == 201, made.content
    refreshing.refresh_workspace(hub.workspace.id)
    assert {str(each.customer_id) for each in Member.objects.all()} == {customer}
    listed = segment | {"name": "List", "type": "STATIC", "description": f"{EMAIL} and others"}
    listed.pop("query")
    path = f"{hub.path}/segments/{hub.admin.post(f'{hub.path}/segments', listed)['id']}/members"
    refreshing.refresh_workspace(hub.workspace.id)  # who comes later is told
    assert hub.admin.post(path, {"add": [customer]}).status == 200
    refreshing.refresh_workspace(hub.workspace.id)
    webhook = {"name": f"For {EMAIL}", "url": "https://example.com/hook", "condition": query}
    assert hub.admin.post(f"{hub.path}/webhooks", webhook).status == 201
    staff.submit("saved-searches", {"name": "him", "share": "on"}, f"q={EMAIL}")
    assert SavedSearch.objects.count() == 1


def send_refused_data(hub: Hub, customer: str) -> None:
    """Data about the person that is refused: the API's answers, the quarantine, repeated requests."""
    key = {"Idempotency_Key": f"zebra form of {EMAIL}"}
    wrong = {"nodeId": str(hub.node.id), "base": {"contacts": {"email": EMAIL}, "dob": "zebra"}}
    for _ in range(2):
        assert hub.trusted.post(f"{hub.path}/customers", wrong, **key).status == 400
    right = {"nodeId": str(hub.node.id), **PERSON}
    assert hub.trusted.post(f"{hub.path}/customers", right, **key).status in {200, 409}
    patch = {"base": {"contacts": {"email": EMAIL, "phone": 7}}}
    assert hub.trusted.patch(f"{hub.path}/customers/{customer}", patch).status == 400
    odd = body("zebra-odd", customerId=customer) | {"context": "NOWHERE"}
    assert hub.trusted.post(f"{hub.path}/events", odd).status == 400
    recorder.write()
    assert QuarantinedRequest.objects.count() >= 2


def create_everywhere(hub: Hub) -> str:
    """Somebody who is known by the API, files, the back-office and events; the customer's id."""
    recorder.drop()
    staff = Staff(hub, "ADMIN", "DPO")
    configuration = {"historyDays": 30, "findDuplicates": True}
    assert hub.admin.put(hub.configuration, configuration).status == 200
    # An earlier customer, who was deleted with an event and a session.
    earlier = hub.post_customer(hub.admin, **PERSON)["id"]
    path = f"{hub.path}/customers/{earlier}"
    hub.trusted.post(f"{path}/sessions", {"value": "zebra-first-visit"})
    event(hub, "zebra-shoes", customerId=earlier)
    delete(hub, earlier)
    # The API, with lists, sessions and changes.
    customer = str(hub.post_customer(hub.admin, **PERSON)["id"])
    path = f"{hub.path}/customers/{customer}"
    assert hub.trusted.post(f"{path}/sessions", {"value": "zebra-visit"}).status == 201
    like = {"id": "zebra-like", "category": "zebra", "name": "Zebras"}
    assert hub.admin.post(f"{path}/likes", like).status in {200, 201}
    assert hub.admin.patch(path, {"base": {"address": {"city": "Zanzibar"}}}).status == 200
    # A second customer of the same person, who was merged into the first.
    second = str(hub.post_customer(hub.admin, **SECOND)["id"])
    assert (
        hub.trusted.post(f"{hub.path}/customers/{second}/sessions", {"value": "zebra-2"}).status
        == 201
    )
    event(hub, "zebra-gloves", customerId=second)
    assert hub.admin.post(f"{path}/merge", {"customers": [second]}).status == 200
    event(hub, "zebra-hat", customerId=second)
    # The back-office: edits, searches, a form that is refused, an export.
    form = {
        "version": hub.admin.get(path)["version"], "base.firstName": "Zebedee",
        "base.lastName": "Zebra-Quillfeather", "base.contacts.email": EMAIL,
    }  # fmt: skip
    staff.submit("edit-customer", form, customer_id=customer)
    staff.submit("new-customer", {"base.contacts.email": EMAIL, "base.likes": "[{zebra"})
    staff.open("customers", {"q": "zebedee", "node": str(hub.node.id)})
    staff.open("customer", customer_id=customer)
    # Events: single, again with a key, in a batch, and some that wait.
    key = {"Idempotency_Key": f"zebra order of {EMAIL}"}
    event(hub, "zebra-boots", customerId=customer, headers=key)
    batch = [body("zebra-batch", customerId=customer), body("zebra-batch-2", customerId=customer)]
    sent = hub.trusted.post(
        f"{hub.path}/events/batch", {"events": batch}, Idempotency_Key="zebra-batch"
    )
    assert sent.status in {200, 202, 207}, sent.content
    # Bulk jobs: one that works, one whose row fails, one that is no file of customers.
    upload(hub, f"externalId,base.contacts.email,base.firstName\nzebra-4711,{EMAIL},Zebedee\n")
    upload(hub, f"base.contacts.email,base.dob,base.firstName\n{EMAIL},zebra-day,Zebedee\n")
    upload(hub, f"{EMAIL},Zebedee,Quillfeather\n")
    while not process(seconds=60):
        pass
    # A copy in an aggregate node, with what somebody has decided about it.
    aggregate = make(hub)
    activate(hub, aggregate)
    merge_all_pending()
    pins = f"{hub.path}/nodes/{aggregate}/pins/{customer}"
    assert hub.admin.put(pins, {"with": None}).status == 200
    merge_all_pending()
    # Exports, and what the receiver of a webhook has answered.
    exports = f"{hub.path}/nodes/{hub.node.id}/exports"
    assert hub.trusted.post(exports).status in {200, 201, 202}
    write_exports(between_pieces=lambda: None)
    hub.clients["DPO"].get(protected(hub, customer, "/export"))
    WebhookAttempt.objects.create(
        workspace_id=hub.workspace.id, webhook_id=hub.workspace.id, message_id="m",
        first_offset=1, last_offset=2, updates=1, milliseconds=1, answer=f"thanks for {EMAIL}",
    )  # fmt: skip
    write_about(hub, customer)
    send_refused_data(hub, customer)
    assert find_duplicates(seconds=30)
    return customer


def body(word: str, **values: Any) -> dict[str, Any]:
    return {"type": "searched", "context": "WEB", "properties": {"keyword": word}, **values}


def event(hub: Hub, word: str, *, headers: Any = None, **values: Any) -> None:
    answer = hub.trusted.post(f"{hub.path}/events", body(word, **values), **(headers or {}))
    assert answer.status == 202, answer.content


def test_nothing_is_left_of_somebody_who_came_by_every_way(
    live_hub: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    caplog.set_level(logging.DEBUG, logger="contacthub")
    hub = live_hub
    customer = create_everywhere(hub)
    before = everything(tmp_path, "")
    assert found_in(before["the database"]) == set(TRACES), "the search finds what is there"
    assert any(found_in(held) for place, held in before.items() if place.startswith("file"))
    # Events that came after a deletion wait for the person.
    for kind, value in (("SESSION_ID", "zebra-visit"), ("EXTERNAL_ID", "zebra-4711")):
        event(
            hub, "zebra-waits",
            bringBackProperties={"type": kind, "value": value, "nodeId": str(hub.node.id)},
        )  # fmt: skip
    plan = hub.clients["DPO"].get(
        protected(hub, customer, "/erasure-plan"), query={"scope": "workspace"}
    )
    receipt = forget(hub, customer, scope="workspace")
    assert len(receipt["customers"]) == 3
    assert {*receipt["tables"], *plan["tables"]} <= HOLDINGS.keys(), "each has a name for people"
    assert receipt["tables"].keys() >= WRITTEN
    assert plan["tables"].keys() >= WRITTEN
    merge_all_pending()
    printed = "".join(capfd.readouterr())
    after = everything(tmp_path, caplog.text + printed)
    left = {place: found for place, held in after.items() if (found := found_in(held))}
    assert left == {}
    assert not Customer.objects.live().exists()
