from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook as Verifier

from customers.actions import deliveries
from customers.domain import webhooks as domain
from customers.models import Webhook, WebhookAttempt
from tests.customers.webhook_receiver import Receiver, answers, floods, receiving, resets
from tests.factories import Hub


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_INTERNAL_HOSTS = frozenset({"localhost"})
    settings.WEBHOOK_TIMEOUT = 1.0
    with receiving() as found:
        yield found


def make(hub: Hub, receiver: Receiver, **values: Any) -> dict[str, Any]:
    body = {"name": "Shop", "url": receiver.url} | values
    answer = hub.admin.post(f"{hub.path}/webhooks", body)
    assert answer.status == 201, answer.json
    made: dict[str, Any] = answer.json
    return made


def deliver() -> None:
    assert deliveries.deliver(seconds=20) is True


def due_now() -> None:
    Webhook.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def displayed(hub: Hub, webhook: dict[str, Any]) -> Any:
    return hub.admin.get(f"{hub.path}/webhooks/{webhook['id']}").json


def test_changes_are_delivered_in_order_and_once(hub: Hub, receiver: Receiver) -> None:
    hub.post_customer()  # before there is a webhook
    webhook = make(hub, receiver)
    ids = [hub.post_customer()["id"] for _ in range(3)]
    hub.trusted.patch(f"{hub.path}/customers/{ids[0]}", {"base": {"firstName": "Ada"}})
    deliver()
    reported = [(each["operation"], each["entity"]["data"]["id"]) for each in receiver.updates]
    assert reported == [("CREATE", each) for each in ids] + [("UPDATE", ids[0])]
    assert receiver.updates[0]["entity"]["data"]["base"]["firstName"] == "Ada"  # as it is now
    deliver()
    assert len(receiver.messages) == 1
    assert displayed(hub, webhook)["deliveredOffset"] == receiver.updates[-1]["offset"]


def test_messages_are_signed_as_the_standard_says(hub: Hub, receiver: Receiver) -> None:
    webhook = make(hub, receiver)
    hub.post_customer()
    deliver()
    (message,) = receiver.messages
    body = Verifier(webhook["secret"]).verify(message.body, message.headers)
    assert body["type"] == "contacthub.updates"
    assert body["data"]["webhookId"] == webhook["id"]
    assert "secret" not in str(displayed(hub, webhook)).replace("'secret': None", "")
    stored = Webhook.objects.get(id=webhook["id"])
    assert webhook["secret"].encode() not in bytes(stored.secret)


def test_for_a_day_both_secrets_sign(hub: Hub, receiver: Receiver) -> None:
    webhook = make(hub, receiver)
    path = f"{hub.path}/webhooks/{webhook['id']}"
    new = hub.admin.post(f"{path}/secret").json["secret"]
    hub.post_customer()
    deliver()
    (message,) = receiver.messages
    for secret in (webhook["secret"], new):
        Verifier(secret).verify(message.body, message.headers)
    Webhook.objects.update(previous_secret_until=timezone.now())
    hub.post_customer()
    deliver()
    Verifier(new).verify(receiver.messages[-1].body, receiver.messages[-1].headers)
    with pytest.raises(Exception, match="signature"):
        Verifier(webhook["secret"]).verify(
            receiver.messages[-1].body, receiver.messages[-1].headers
        )


@pytest.mark.parametrize(
    "answering", [answers(500), answers(302, Location="http://127.0.0.1/"), resets]
)
def test_a_failed_message_is_repeated_under_its_id_before_the_next(
    hub: Hub, receiver: Receiver, answering: Any
) -> None:
    webhook = make(hub, receiver)
    first = hub.post_customer()["id"]
    receiver.answering = answering
    deliver()
    second = hub.post_customer()["id"]
    deliver()  # not due yet
    assert len(receiver.messages) == 1
    found = displayed(hub, webhook)
    assert found["failures"] == 1
    assert found["failingSince"]
    receiver.answering = answers(200)
    due_now()
    deliver()
    once, again, after = receiver.messages
    assert once.headers["webhook-id"] == again.headers["webhook-id"]
    assert [each["entity"]["data"]["id"] for each in again.updates] == [first]
    assert [each["entity"]["data"]["id"] for each in after.updates] == [second]
    assert after.headers["webhook-id"] != once.headers["webhook-id"]
    found = displayed(hub, webhook)
    assert (found["failures"], found["failingSince"]) == (0, None)
    attempts = hub.admin.get(f"{hub.path}/webhooks/{webhook['id']}/attempts").json
    assert [each["status"] for each in attempts["elements"][:2]] == [200, 200]
    assert attempts["page"]["totalElements"] == 3


def test_a_receiver_that_hangs_is_left_after_the_time_limit_and_delays_no_other(
    hub: Hub, receiver: Receiver, settings: Any
) -> None:
    settings.WEBHOOK_TIMEOUT = 3.0
    with receiving() as silent:
        silent.answering = lambda handler, number: time.sleep(5)
        slow = make(hub, silent, name="Silent")
        make(hub, receiver, name="Well")
        for _ in range(250):
            hub.post_customer()
        began = time.monotonic()
        deliver()
        assert time.monotonic() - began < 10
    assert len(receiver.updates) == 250
    assert len(silent.messages) == 1
    (attempt,) = WebhookAttempt.objects.filter(webhook_id=slow["id"])
    assert attempt.status is None
    assert attempt.error == "No answer within 3 seconds"


def test_of_a_gigabyte_only_the_beginning_is_read(hub: Hub, receiver: Receiver) -> None:
    make(hub, receiver)
    receiver.answering = floods
    hub.post_customer()
    began = time.monotonic()
    deliver()
    assert time.monotonic() - began < 5
    (attempt,) = WebhookAttempt.objects.all()
    assert attempt.status == 200
    assert len(attempt.answer) <= 500


def test_retry_after_is_obeyed(hub: Hub, receiver: Receiver) -> None:
    webhook = make(hub, receiver)
    receiver.answering = answers(429, Retry_After="3600")
    hub.post_customer()
    deliver()
    due = Webhook.objects.get(id=webhook["id"]).next_attempt_at - timezone.now()
    assert timedelta(minutes=59) < due <= timedelta(hours=1)


def test_after_days_of_failures_the_webhook_is_paused_with_its_reason(
    hub: Hub, receiver: Receiver
) -> None:
    webhook = make(hub, receiver)
    receiver.answering = answers(500)
    hub.post_customer()
    deliver()
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=3, seconds=1))
    due_now()
    deliver()
    found = displayed(hub, webhook)
    assert found["state"] == "PAUSED"
    assert "the receiver answered 500" in found["pausedReason"]
    due_now()
    deliver()
    assert len(receiver.messages) == 2
    receiver.answering = answers(200)
    path = f"{hub.path}/webhooks/{webhook['id']}"
    found = hub.admin.put(path, {"state": "ACTIVE"}).json
    assert (found["state"], found["pausedReason"], found["failures"]) == ("ACTIVE", None, 0)
    deliver()
    assert receiver.messages[2].headers["webhook-id"] == receiver.messages[0].headers["webhook-id"]


def test_a_receiver_that_is_gone_gets_no_more_requests(hub: Hub, receiver: Receiver) -> None:
    webhook = make(hub, receiver)
    receiver.answering = answers(410)
    hub.post_customer()
    deliver()
    assert displayed(hub, webhook)["state"] == "PAUSED"


def test_a_webhook_gets_what_it_selects(hub: Hub, receiver: Receiver) -> None:
    condition = {
        "name": "",
        "query": {
            "type": "simple",
            "name": "",
            "are": {
                "condition": {
                    "type": "atomic",
                    "attribute": "base.contacts.email",
                    "operator": "EQUALS",
                    "value": "ada@x.it",
                }
            },
        },
    }
    make(
        hub,
        receiver,
        entities=["CUSTOMER"],
        nodes=[str(hub.node.id)],
        condition=condition,
        fields=["base.contacts.email"],
    )
    ada = hub.post_customer(base={"contacts": {"email": "ada@x.it"}})["id"]
    other = hub.post_customer()["id"]
    hub.post_customer(nodeId=str(hub.other_node.id), base={"contacts": {"email": "ada@x.it"}})
    event = {
        "customerId": ada, "type": "viewedPage", "context": "WEB", "properties": {},
        "date": "2026-01-01T10:00:00Z",
    }  # fmt: skip
    assert hub.trusted.post(f"{hub.path}/events", event).status == 202
    hub.trusted.delete(f"{hub.path}/customers/{other}")
    deliver()
    reported = [(each["operation"], each["entity"]["data"]) for each in receiver.updates]
    assert reported == [
        ("CREATE", {
            "id": ada, "nodeId": str(hub.node.id), "base": {"contacts": {"email": "ada@x.it"}},
        }),
        ("DELETE", {"id": other, "nodeId": str(hub.node.id)}),
        ("DELETE", {"id": other, "nodeId": str(hub.node.id)}),
    ]  # fmt: skip


def test_types_of_events_select_events_and_leave_customers(hub: Hub, receiver: Receiver) -> None:
    make(hub, receiver, entities=["EVENT"], eventTypes=["viewedPage"])
    ada = hub.post_customer()["id"]
    for kind in ("viewedPage", "loggedIn"):
        event = {
            "customerId": ada, "type": kind, "context": "WEB", "properties": {},
            "date": "2026-01-01T10:00:00Z",
        }  # fmt: skip
        hub.trusted.post(f"{hub.path}/events", event)
    deliver()
    assert [each["entity"]["data"]["type"] for each in receiver.updates] == ["viewedPage"]


def test_events_are_selected_by_conditions(hub: Hub, receiver: Receiver) -> None:
    home = {"type": "atomic", "attribute": "properties.path", "operator": "EQUALS", "value": "/"}
    deep = home | {"operator": "IN", "value": "/shop"}
    viewed = {"event": {"name": "viewedPage"}}
    conditions = [viewed | {"condition": home}, viewed | {"condition": deep}]
    webhook = make(hub, receiver, entities=["EVENT"], eventConditions=conditions)
    assert displayed(hub, webhook)["eventConditions"] == conditions
    ada = hub.post_customer()["id"]
    ids = []
    for kind, path in (
        ("viewedPage", "/"),
        ("viewedPage", "/help"),
        ("viewedPage", "/shop/1"),
        ("loggedIn", None),
    ):
        event = {
            "customerId": ada, "type": kind, "context": "WEB",
            "properties": {"path": path} if path else {}, "date": "2026-01-01T10:00:00Z",
        }  # fmt: skip
        answer = hub.trusted.post(f"{hub.path}/events", event)
        assert answer.status == 202
        ids.append(answer.json["id"])
    deliver()
    delivered = [each["entity"]["data"]["id"] for each in receiver.updates]
    assert delivered == [ids[0], ids[2], ids[3]]
    hub.trusted.delete(f"{hub.path}/customers/{ada}")
    receiver.messages.clear()
    deliver()
    delivered = [(each["operation"], each["entity"]["data"]["id"]) for each in receiver.updates]
    assert sorted(delivered) == sorted(("DELETE", each) for each in ids)


def test_batches_hold_a_hundred_updates(hub: Hub, receiver: Receiver) -> None:
    make(hub, receiver)
    for _ in range(205):
        hub.post_customer()
    deliver()
    assert [len(each.updates) for each in receiver.messages] == [100, 100, 5]
    offsets = [each["offset"] for each in receiver.updates]
    assert offsets == sorted(set(offsets))


def test_several_messages_in_flight_keep_the_order_of_each_customer(
    hub: Hub, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "BATCH", 3)
    monkeypatch.setattr("customers.queries.webhooks.BATCH", 3)
    together = threading.Barrier(2)

    def answering(handler: BaseHTTPRequestHandler, number: int) -> None:
        if number < 2:
            together.wait(5)  # neither is answered before both have come
        answers(500 if number == 1 else 200)(handler, number)

    receiver.answering = answering
    webhook = make(hub, receiver, maxInFlight=2)
    people = [hub.post_customer()["id"] for _ in range(2)]
    for number, person in enumerate(people * 2):
        name = {"base": {"firstName": f"Ada {number}"}}
        assert hub.trusted.patch(f"{hub.path}/customers/{person}", name).status == 200
    deliver()
    taken, refused = receiver.messages
    assert displayed(hub, webhook)["deliveredOffset"] < refused.updates[0]["offset"]
    assert displayed(hub, webhook)["failures"] == 1
    due_now()
    deliver()
    _, _, again = receiver.messages
    assert again.headers["webhook-id"] == refused.headers["webhook-id"]
    assert again.updates == refused.updates
    delivered = [
        [(each["offset"], each["entity"]["data"]["id"]) for each in message.updates]
        for message in (taken, again)
    ]
    assert {person for message in delivered for _, person in message} == set(people)
    for message in delivered:
        assert len({person for _, person in message}) == 1
        assert message == sorted(message)
    assert sorted(each for message in delivered for each, _ in message) == list(
        range(webhook["deliveredOffset"] + 1, webhook["deliveredOffset"] + 7)
    )
    assert displayed(hub, webhook)["failures"] == 0
    deliver()
    assert len(receiver.messages) == 3


def test_changes_are_delivered_again_by_a_replay(hub: Hub, receiver: Receiver) -> None:
    webhook = make(hub, receiver)
    path = f"{hub.path}/webhooks/{webhook['id']}"
    hub.post_customer()
    deliver()
    first = receiver.updates[0]["offset"]
    assert hub.admin.post(f"{path}/replay", {"offset": first - 1}).status == 200
    deliver()
    once, again = receiver.messages
    assert [each["offset"] for each in again.updates] == [first]
    assert once.headers["webhook-id"] != again.headers["webhook-id"]
    assert hub.admin.post(f"{path}/replay", {}).status == 400
    assert hub.admin.post(f"{path}/replay", {"offset": 1, "timestamp": 1}).status == 400
    assert hub.admin.post(f"{path}/replay", {"offset": "1"}).status == 400


def test_somebody_forgotten_is_delivered_as_deleted(hub: Hub, receiver: Receiver) -> None:
    make(hub, receiver)
    ada = hub.post_customer(base={"contacts": {"email": "ada@x.it"}})["id"]
    hub.clients["DPO"].delete(f"{hub.path}/data-protection/customers/{ada}")
    deliver()
    assert {each["operation"] for each in receiver.updates} == {"DELETE"}
    assert b"ada@x.it" not in b"".join(each.body for each in receiver.messages)


def test_a_test_message_returns_its_result(hub: Hub, receiver: Receiver) -> None:
    webhook = make(hub, receiver)
    answer = hub.admin.post(f"{hub.path}/webhooks/{webhook['id']}/test").json
    assert (answer["status"], answer["error"], answer["answer"]) == (200, None, "ok")
    Verifier(webhook["secret"]).verify(receiver.messages[0].body, receiver.messages[0].headers)
    receiver.answering = answers(500)
    answer = hub.admin.post(f"{hub.path}/webhooks/{webhook['id']}/test").json
    assert answer["status"] == 500


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://10.1.2.3/", "https://[::1]/", "https://169.254.169.254/",
        "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://0.0.0.0/",
        "https://localhost/", "http://example.com/", "ftp://example.com/", "https://a:b@x.it/",
        "https:///x", "https://[/", "example.com", "https://x.it/ y", "https://x.it:0/", "",
        "https://x.it/#part", "https://x.it:99999/",
    ],
)  # fmt: skip
def test_addresses_in_private_networks_and_others_are_refused(hub: Hub, url: str) -> None:
    answer = hub.admin.post(f"{hub.path}/webhooks", {"name": "x", "url": url})
    assert answer.status == 400
    assert answer.paths == {"/url"}


def test_a_name_that_leads_into_a_private_network_is_not_called(
    hub: Hub, receiver: Receiver, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_INTERNAL_HOSTS = frozenset()
    # A name of the machine's own, as an attacker's name server could answer for any.
    monkeypatch.setattr("socket.getaddrinfo", _leading_to("127.0.0.1"))
    make(hub, receiver, url=f"http://hooks.example.com:{receiver.port}/")
    hub.post_customer()
    deliver()
    (attempt,) = WebhookAttempt.objects.all()
    assert attempt.error == "The host hooks.example.com leads into a private network"
    assert not receiver.messages


def _leading_to(address: str) -> Any:
    import socket

    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        return real(address if host == "hooks.example.com" else host, *args, **options)

    return getaddrinfo


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"entities": ["PERSON"]}, "/entities/0"),
        ({"operations": "CREATE"}, "/operations"),
        ({"nodes": ["0198b2a4-0000-7000-8000-000000000000"]}, "/nodes/0"),
        ({"eventTypes": ["danced"]}, "/eventTypes/0"),
        ({"fields": ["base.nothing"]}, "/fields/0"),
        ({"condition": {"name": "", "query": {"type": "simple"}}}, "/condition/query"),
        ({"condition": 5}, "/condition"),
        ({"eventConditions": [{"event": {"name": "danced"}}]}, "/eventConditions/0/event/name"),
        (
            {"eventConditions": [{"event": {"name": "viewedPage"}, "having": []}]},
            "/eventConditions/0/having",
        ),
        ({"eventConditions": [5]}, "/eventConditions/0"),
        ({"maxInFlight": 9}, "/maxInFlight"),
        ({"name": ""}, "/name"),
        ({"name": "a\0"}, "/name"),
        ({"colour": 1}, "/colour"),
        ({"url": 5}, "/url"),
        ({"state": "ASLEEP"}, "/state"),
    ],
)
def test_wrong_webhooks_are_refused(hub: Hub, body: Any, path: str) -> None:
    answer = hub.admin.post(
        f"{hub.path}/webhooks", {"name": "x", "url": "https://example.com/"} | body
    )
    assert answer.status == 400
    assert any(each.startswith(path) for each in answer.paths), answer.json


def test_a_condition_that_became_invalid_pauses_with_the_reason(
    hub: Hub, receiver: Receiver
) -> None:
    webhook = make(hub, receiver)
    Webhook.objects.update(condition={"name": "", "query": {"type": "gone"}})
    hub.post_customer()
    deliver()
    found = displayed(hub, webhook)
    assert found["state"] == "PAUSED"
    assert "no longer valid" in found["pausedReason"]


def test_changes_that_are_kept_no_longer_pause_the_webhook(hub: Hub, receiver: Receiver) -> None:
    from customers.models import Change, Feed

    webhook = make(hub, receiver)
    Webhook.objects.update(delivered_offset=1)
    hub.post_customer()
    hub.post_customer()
    hub.trusted.get(f"{hub.path}/updates")
    Change.objects.filter(workspace_id=hub.workspace.id).delete()
    Feed.objects.filter(workspace_id=hub.workspace.id).update(trimmed_to=2)
    deliver()
    found = displayed(hub, webhook)
    assert found["state"] == "PAUSED"
    assert "kept no longer" in found["pausedReason"]


def test_a_workspace_has_fifty_webhooks_at_most(
    hub: Hub, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from customers.actions import webhooks

    monkeypatch.setattr(webhooks, "MOST_WEBHOOKS", 2)
    for _ in range(2):
        make(hub, receiver)
    body = {"name": "x", "url": "https://example.com/"}
    assert hub.admin.post(f"{hub.path}/webhooks", body).status == 409


def test_what_is_read_can_be_written(hub: Hub, receiver: Receiver) -> None:
    webhook = make(hub, receiver)
    path = f"{hub.path}/webhooks/{webhook['id']}"
    found = hub.admin.get(path)
    again = hub.admin.put(path, found.json)
    assert again.json == found.json
    changed = hub.admin.put(path, {"name": "Till"}, If_Match=found.headers["ETag"])
    assert changed["name"] == "Till"
    stale = hub.admin.put(path, {"name": "Shop"}, If_Match=found.headers["ETag"])
    assert stale.status == 412
    assert hub.admin.delete(path).status == 204
    assert hub.admin.get(path).status == 404


CODE = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def documented(language: str) -> str:
    """The code of the page about webhooks in a language."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text()
    return dict(CODE.findall(page))[language]


def test_the_documented_code_verifies_messages(hub: Hub, receiver: Receiver) -> None:
    webhook = make(hub, receiver)
    hub.post_customer()
    deliver()
    (message,) = receiver.messages
    known: dict[str, Any] = {}
    exec(documented("python"), known)
    assert known["is_genuine"](webhook["secret"], message.headers, message.body)
    assert not known["is_genuine"](webhook["secret"], message.headers, message.body + b" ")
    late = message.headers | {"webhook-timestamp": "1"}
    assert not known["is_genuine"](webhook["secret"], late, message.body)


def verified_by_example(
    hub: Hub, receiver: Receiver, command: list[str], program: str
) -> list[bool]:
    """What documented code says of a message, of one with another body, and of an old one.

    `program` tells JSON of what it says of the list of arguments in its standard input.
    """
    webhook = make(hub, receiver)
    hub.post_customer()
    deliver()
    (message,) = receiver.messages
    body, late = message.body.decode(), message.headers | {"webhook-timestamp": "1"}
    requested = [
        [webhook["secret"], message.headers, body],
        [webhook["secret"], message.headers, body + " "],
        [webhook["secret"], late, body],
    ]
    answer = subprocess.run(
        [*command, program], input=json.dumps(requested), capture_output=True, text=True, check=True
    )
    verified: list[bool] = json.loads(answer.stdout)
    return verified


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_documented_code_for_node_verifies_messages(hub: Hub, receiver: Receiver) -> None:
    program = (
        documented("javascript")
        + """
        const requested = JSON.parse(require("node:fs").readFileSync(0));
        console.log(JSON.stringify(requested.map((each) => isGenuine(...each))));
    """
    )
    assert verified_by_example(hub, receiver, ["node", "-e"], program) == [True, False, False]


@pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not installed")
def test_the_documented_code_for_php_verifies_messages(hub: Hub, receiver: Receiver) -> None:
    program = (
        documented("php")
        + """
        $requested = json_decode(file_get_contents("php://stdin"), true);
        echo json_encode(array_map(fn($each) => isGenuine(...$each), $requested));
    """
    )
    assert verified_by_example(hub, receiver, ["php", "-r"], program) == [True, False, False]


CALLED_ADA = {
    "name": "",
    "query": {
        "type": "simple",
        "are": {
            "condition": {
                "type": "atomic", "attribute": "base.firstName", "operator": "EQUALS",
                "value": "Ada",
            }
        },
    },
}  # fmt: skip


def named(name: str) -> dict[str, Any]:
    return {"firstName": name, "contacts": {"email": f"{name}@x.it"}}


def preview(hub: Hub, **values: Any) -> Any:
    answer = hub.admin.post(f"{hub.path}/webhooks/preview", values)
    assert answer.status == 200, answer.json
    return answer.json


@pytest.mark.parametrize(
    "selection",
    [
        {},
        {"entities": ["EVENT"], "eventTypes": ["viewedPage"]},
        {"operations": ["DELETE"]},
        {"condition": CALLED_ADA, "fields": ["base.firstName"]},
        {
            "eventConditions": [
                {
                    "event": {"name": "viewedPage"},
                    "condition": {
                        "type": "atomic", "attribute": "properties.path", "operator": "EQUALS",
                        "value": "/a",
                    },
                }
            ]
        },
    ],
)  # fmt: skip
def test_a_preview_has_what_a_webhook_sends(
    hub: Hub, receiver: Receiver, selection: dict[str, Any]
) -> None:
    webhook = make(hub, receiver, **selection)
    ada = hub.post_customer(base=named("Ada"))["id"]
    bob = hub.post_customer(base=named("Bob"))["id"]
    for customer_id, path in ((ada, "/a"), (bob, "/b")):
        event = {
            "customerId": customer_id, "type": "viewedPage", "context": "WEB",
            "properties": {"path": path}, "date": "2026-01-01T10:00:00Z",
        }  # fmt: skip
        assert hub.trusted.post(f"{hub.path}/events", event).status == 202
    hub.trusted.delete(f"{hub.path}/customers/{bob}")
    found = preview(hub, **selection)
    deliver()
    begin = webhook["deliveredOffset"]
    assert [each for each in found["updates"] if each["offset"] > begin] == receiver.updates
    assert found["selected"] >= len(receiver.updates) > 0
    assert found["examined"]["to"] == displayed(hub, webhook)["deliveredOffset"]
    assert Webhook.objects.count() == 1


def test_a_preview_has_the_latest_twenty(hub: Hub) -> None:
    ids = [hub.post_customer()["id"] for _ in range(22)]
    found = preview(hub, entities=["CUSTOMER"])
    assert found["selected"] == 22
    assert [each["entity"]["data"]["id"] for each in found["updates"]] == ids[2:]


def test_a_preview_looks_at_the_latest_thousand_changes(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customers.queries.webhooks.PREVIEWED", 3)
    for _ in range(5):
        hub.post_customer()
    found = preview(hub)
    assert found["examined"]["to"] - found["examined"]["after"] == 3
    assert found["selected"] == 3


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"condition": {"query": {"type": "?"}}}, "/condition"),
        ({"nodes": ["019a4c1e-8f00-7000-8000-000000000999"]}, "/nodes"),
        ({"entities": ["PERSON"]}, "/entities"),
        ({"fields": ["base.shoeSize"]}, "/fields"),
        ({"colour": "red"}, "/colour"),
        ("x", ""),
    ],
)
def test_a_preview_refuses_what_a_webhook_cannot_have(hub: Hub, body: Any, path: str) -> None:
    answer = hub.admin.post(f"{hub.path}/webhooks/preview", body)
    assert answer.status == 400
    assert any(each["path"].startswith(path) for each in answer.json["errors"] or [{"path": ""}])
