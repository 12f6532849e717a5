"""The header Idempotency-Key on everything that writes in a workspace."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from configuration.actions.idempotency import RecordedAnswer, idempotent_response
from configuration.models import IdempotencyKey
from contacthub_project.api.idempotency import REPEATED
from contacthub_project.api.operations import contract
from contacthub_project.core.errors import Conflict
from contacthub_project.core.principal import Principal
from customers.models import Change, Customer, Session, Webhook
from tests.client import Answer
from tests.contract.document import described, parameters_of
from tests.factories import Hub

KEY = "order of zebedee@quillfeather.example"
BY = Principal(roles=frozenset({"ADMIN"}), workspaces=None, nodes=None, user_id=7)


def place(hub: Hub) -> dict[str, str]:
    """A customer with one of everything, by the names that paths have for it."""
    customer = hub.post_customer()["id"]
    path = f"{hub.path}/customers/{customer}"
    session = hub.trusted.post(f"{path}/sessions", {"value": str(uuid4())})["id"]
    hub.trusted.post(f"{path}/subscriptions", {"id": "news", "subscribed": True})
    event = {"customerId": customer, "type": "loggedIn", "context": "WEB", "properties": {}}
    webhook = {"name": "w", "url": "https://example.com/hook"}
    return {
        "customer": customer,
        "session": session,
        "event": hub.trusted.post(f"{hub.path}/events", event)["id"],
        "webhook": hub.admin.post(f"{hub.path}/webhooks", webhook)["id"],
        "node": str(hub.node.id),
    }


EVENT = {"type": "loggedIn", "context": "MOBILE", "properties": {}}
PERSON = {"base": {"contacts": {"email": "zebedee@quillfeather.example"}}}
WRITES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/customers", {"nodeId": "{node}", **PERSON}),
    ("PUT", "/customers/{customer}", {"nodeId": "{node}", **PERSON}),
    ("PATCH", "/customers/{customer}", PERSON),
    ("DELETE", "/customers/{customer}", None),
    ("POST", "/customers/{customer}/sessions", {"value": "visit"}),
    ("DELETE", "/customers/{customer}/sessions/{session}", None),
    ("POST", "/customers/{customer}/subscriptions", {"id": "offers", "subscribed": True}),
    ("PUT", "/customers/{customer}/subscriptions/news", {"subscribed": False}),
    ("DELETE", "/customers/{customer}/subscriptions/news", None),
    ("POST", "/events", {"customerId": "{customer}", **EVENT}),
    ("POST", "/events/batch", {"events": [{"customerId": "{customer}", **EVENT}]}),
    ("PUT", "/events/{event}", EVENT),
    ("PATCH", "/events/{event}", {"properties": {}}),
    ("DELETE", "/events/{event}", None),
    ("POST", "/webhooks", {"name": "zebra", "url": "https://example.com/other"}),
    ("PUT", "/webhooks/{webhook}", {"name": "zebra"}),
    ("POST", "/webhooks/{webhook}/secret", None),
    ("DELETE", "/webhooks/{webhook}", None),
    ("POST", "/configuration/nodes/entries", {"name": "zebra"}),
]


def filled(part: Any, names: dict[str, str]) -> Any:
    if isinstance(part, str):
        return part.format(**names)
    if isinstance(part, dict):
        return {name: filled(value, names) for name, value in part.items()}
    return [filled(each, names) for each in part] if isinstance(part, list) else part


def send(
    hub: Hub, method: str, path: str, body: Any, key: str | None = KEY, **options: Any
) -> Answer:
    client = hub.admin if "webhooks" in path or "configuration" in path else hub.trusted
    given = {} if body is None else {"body": body}
    headers = {} if key is None else {"Idempotency_Key": key}
    return client.request(method, hub.path + path, **given, **headers, **options)


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_the_same_request_is_answered_as_the_first_time(
    hub: Hub, method: str, path: str, body: Any
) -> None:
    names = place(hub)
    path, body = filled(path, names), filled(body, names)
    first = send(hub, method, path, body)
    assert first.status < 300, first.content
    assert REPEATED not in first.headers
    done = Change.objects.count(), Customer.objects.count(), Session.objects.count()
    again = send(hub, method, path, body)
    assert (again.status, again.content) == (first.status, first.content)
    assert again.headers[REPEATED] == "true"
    for name in ("ETag", "Content-Type", "Content-Length"):
        assert again.headers.get(name) == first.headers.get(name)
    assert (Change.objects.count(), Customer.objects.count(), Session.objects.count()) == done
    # Another request with the key is none of its business, whatever it differs in.
    assert send(hub, method, path, body, query={"another": "1"}).status == 409
    if body is not None:
        assert send(hub, method, path, {**body, "another": 1}).status == 409


def test_nothing_of_the_request_or_its_answer_can_be_read(hub: Hub) -> None:
    send(hub, "POST", "/customers", {"nodeId": str(hub.node.id), **PERSON})
    made = send(hub, "POST", "/webhooks", {"name": "w", "url": "https://example.com/"}, "2")
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(each)::text FROM configuration_idempotencykey AS each")
        kept = "\n".join(row for (row,) in cursor.fetchall())
    assert kept.count("\n") == 1
    for secret in (KEY, "quillfeather", made["secret"]):
        assert secret not in kept
        assert secret.encode().hex() not in kept


def test_answers_go_with_the_person(hub: Hub) -> None:
    names = place(hub)
    customer, other = names["customer"], hub.post_customer()["id"]
    event = {"customerId": customer, **EVENT}
    send(hub, "PATCH", f"/customers/{customer}", PERSON, "1")
    send(hub, "POST", f"/customers/{customer}/sessions", {"value": "v"}, "2")
    send(hub, "POST", "/events", event, "3")
    send(hub, "PATCH", f"/events/{names['event']}", {"properties": {}}, "4")
    kept = send(hub, "PATCH", f"/customers/{other}", {"base": {"firstName": "Ada"}}, "5")
    made = send(hub, "POST", "/customers", {"nodeId": names["node"], "base": {
        "contacts": {"email": "new@example.com"}}}, "6")  # fmt: skip
    forget = f"{hub.path}/data-protection/customers"
    plan = hub.clients["DPO"].get(f"{forget}/{customer}/erasure-plan")
    assert plan["tables"]["configuration_idempotencykey"] == 4
    assert hub.clients["DPO"].delete(f"{forget}/{customer}", Idempotency_Key="7").status == 204
    assert hub.clients["DPO"].delete(f"{forget}/{made['id']}").status == 204
    assert IdempotencyKey.objects.count() == 2
    assert not IdempotencyKey.objects.filter(entities__overlap=[customer, made["id"]]).exists()
    again = send(hub, "PATCH", f"/customers/{other}", {"base": {"firstName": "Ada"}}, "5")
    assert again.json == kept.json
    # Who asked for the erasure is answered again, too, and hears of nobody.
    assert hub.clients["DPO"].delete(f"{forget}/{customer}", Idempotency_Key="7").status == 204


def test_a_refusal_undoes_the_request_and_leaves_the_key_unused(hub: Hub) -> None:
    customer = f"/customers/{hub.post_customer()['id']}"
    wrong = {"base": {"contacts": {"email": "wrong"}}}
    assert send(hub, "PATCH", customer, wrong).status == 400
    assert send(hub, "PATCH", customer, PERSON).status == 200
    assert send(hub, "PATCH", customer, wrong).status == 409


def test_the_format_of_dates_is_that_of_the_first_answer(hub: Hub) -> None:
    customer = f"{hub.path}/customers/{hub.post_customer()['id']}"
    header = {"Idempotency_Key": KEY, "X_Date_Format": "+0000"}
    first = hub.trusted.patch(customer, PERSON, **header)
    assert first["registeredAt"].endswith("+0000")
    assert hub.trusted.patch(customer, PERSON, **header).content == first.content


def test_a_crash_leaves_neither_the_key_nor_what_was_done(live_hub: Hub) -> None:
    hub = live_hub

    class Crash(Exception):
        pass

    def crashing() -> RecordedAnswer:
        Webhook.objects.create(workspace_id=hub.workspace.id, name="w", url="u", secret=b"s")
        raise Crash

    with pytest.raises(Crash):
        idempotent_response(hub.workspace.id, KEY, b"request", crashing, by=BY)
    assert not Webhook.objects.exists()
    assert not IdempotencyKey.objects.exists()
    answer = RecordedAnswer(201, {}, "{}", frozenset())
    assert idempotent_response(hub.workspace.id, KEY, b"request", lambda: answer, by=BY) is None
    assert idempotent_response(hub.workspace.id, KEY, b"request", crashing, by=BY) == answer
    with pytest.raises(Conflict):
        idempotent_response(hub.workspace.id, KEY, b"another", crashing, by=BY)


def test_many_at_once_do_it_once(live_hub: Hub) -> None:
    hub = live_hub
    answers: list[Answer] = []

    def post() -> None:
        try:
            body = {"name": "w", "url": "https://example.com/hook"}
            answers.append(send(hub, "POST", "/webhooks", body))
        finally:
            connection.close()

    threads = [threading.Thread(target=post) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.status for each in answers} == {201}
    assert len({each.content for each in answers}) == 1
    assert sum(REPEATED in each.headers for each in answers) == 5
    assert Webhook.objects.count() == 1


def test_a_request_without_key_costs_nothing(hub: Hub) -> None:
    customer = f"/customers/{hub.post_customer()['id']}"
    for path, body in ((customer, PERSON), (customer, {"base": {"firstName": "Ada"}})):
        with CaptureQueriesContext(connection) as captured:
            send(hub, "PATCH", path, body, None)
        assert captured.captured_queries
        assert not [each for each in captured.captured_queries if "idempotency" in each["sql"]]


def test_every_operation_that_writes_in_a_workspace_takes_a_key() -> None:
    lacking = [
        operation.id
        for template, methods in contract().items()
        if template.startswith("/workspaces/{workspaceId}")
        for method, operation in methods.items()
        if method != "GET"
        and not any(
            each["name"] == "Idempotency-Key" for each in parameters_of(described(operation.id)[1])
        )
    ]
    assert lacking == ["create_bulk_job"]  # its body is a file, which is not kept in memory


def test_a_key_outside_of_workspaces_is_of_no_meaning(hub: Hub) -> None:
    bodies = [
        {"name": name, "slug": name.lower(), "groupPk": 4, "shard": "default"}
        for name in ("One", "Two")
    ]
    made = [hub.operator.post("/workspaces", body, Idempotency_Key="k") for body in bodies]
    assert [each.status for each in made] == [201, 201]
    assert [each.json["name"] for each in made] == ["One", "Two"]
