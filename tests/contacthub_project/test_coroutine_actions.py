"""Actions that are coroutines answer in the event loop as they do in threads."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from customers.models import Customer, Session
from events.models import Event
from tests.client import Answer, ApiClient, LoopClient
from tests.factories import Hub

SAME_HEADERS = {"Content-Type", "ETag", "WWW-Authenticate", "Access-Control-Allow-Origin"}


class FakeRequest(NamedTuple):
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = {}


def looped(client: ApiClient, hub: Hub, requested: list[FakeRequest]) -> list[Answer]:
    """The answers of the event loop, one after the other."""

    async def all_of_them() -> list[Answer]:
        loop_client = LoopClient(client.token)
        return [
            await loop_client.request(each.method, hub.path + each.path, each.body, **each.headers)
            for each in requested
        ]

    return asyncio.run(all_of_them())


def check_both(client: ApiClient, hub: Hub, requested: list[FakeRequest]) -> None:
    """Threads first: nothing that is asked may change what is there."""
    for each, found in zip(requested, looped(client, hub, requested), strict=True):
        body = [] if each.body is None else [each.body]
        path, _, query = each.path.partition("?")
        expected = client.request(each.method, hub.path + path, *body, query=query, **each.headers)
        documents = [answer.json if answer.content else None for answer in (expected, found)]
        for document in documents:
            if document:
                document.pop("logref", None)
        assert (found.status, documents[1]) == (expected.status, documents[0]), each
        headers = [
            {name: answer.headers.get(name) for name in SAME_HEADERS}
            for answer in (expected, found)
        ]
        assert headers[0] == headers[1], each


def test_reads_and_refusals(live_hub: Hub) -> None:
    hub = live_hub
    customer = f"/customers/{hub.post_customer()['id']}"
    unknown = f"/customers/{UUID(int=1)}"
    event = {"customerId": customer[11:], "type": "loggedIn", "context": "WEB", "properties": {}}
    requested = [
        FakeRequest("GET", customer),
        FakeRequest("GET", customer, None, {"If_None_Match": '"1"'}),
        FakeRequest("GET", customer, None, {"X_Date_Format": "ISO"}),
        FakeRequest("GET", unknown),
        FakeRequest("GET", "/customers/no-id"),
        FakeRequest("POST", "/customers", {"nodeId": str(UUID(int=1))}),
        FakeRequest("POST", "/customers", {"nodeId": str(hub.node.id), "base": {"nothing": 1}}),
        FakeRequest("POST", "/customers", {"nodeId": 5}),
        FakeRequest("POST", "/customers", []),
        FakeRequest("PATCH", customer, {"base": {"contacts": {"email": "wrong"}}}),
        FakeRequest("PATCH", customer, {"base": {"firstName": "Ada"}}, {"If_Match": '"7"'}),
        FakeRequest("PATCH", customer, {"base": {"firstName": "x" * 40_000}}),
        FakeRequest("PATCH", customer, {"extra": "x" * 70_000}),
        FakeRequest("PATCH", unknown, {"base": {"firstName": "Ada"}}),
        FakeRequest("PATCH", f"{customer}?sessionId=null", {"base": {"firstName": "Ada"}}),
        FakeRequest("PUT", customer, {"base": {}}),
        FakeRequest("POST", "/events", {**event, "type": "nothing"}),
        FakeRequest("POST", "/events", {**event, "customerId": str(UUID(int=1))}),
        FakeRequest("POST", "/events", event, {"Idempotency_Key": ""}),
    ]
    for client in (hub.trusted, hub.untrusted, hub.clients["GUEST"], ApiClient("chs_unknown")):
        check_both(client, hub, requested[:-1] if client is hub.trusted else requested[:14])
    check_both(hub.trusted, hub, requested[-1:])


def test_a_session_is_linked_with_the_write(live_hub: Hub) -> None:
    hub = live_hub
    session = str(uuid4())
    body = {"nodeId": str(hub.node.id), "base": {"contacts": {"email": "ada@example.com"}}}
    other = {**body, "base": {"contacts": {"email": "bea@example.com"}}}
    path = f"/customers?sessionId={session}"
    first, second = looped(
        hub.trusted, hub, [FakeRequest("POST", path, body), FakeRequest("POST", path, other)]
    )
    assert (first.status, second.status) == (201, 201)
    assert "Warning" not in first.headers
    assert "belongs to another customer" in second.headers["Warning"]
    assert str(Session.objects.get(value=session).customer_id) == first["id"]


def test_a_repeated_request_gets_the_first_response(live_hub: Hub) -> None:
    hub = live_hub
    event = {
        "customerId": hub.post_customer()["id"],
        "type": "loggedIn",
        "context": "WEB",
        "properties": {},
    }
    headers = {"Idempotency_Key": "first"}
    answers = looped(
        hub.trusted,
        hub,
        [
            FakeRequest("POST", "/events", event, headers),
            FakeRequest("POST", "/events", event, headers),
            FakeRequest("POST", "/events", event | {"context": "MOBILE"}, headers),
        ],
    )
    assert [answer.status for answer in answers] == [202, 202, 409]
    assert answers[0].json == answers[1].json
    assert Event.objects.count() == 1


def test_a_change_that_comes_twice_is_made_once(live_hub: Hub) -> None:
    hub = live_hub
    customer = f"/customers/{hub.post_customer()['id']}"
    change, headers = {"base": {"firstName": "Ada"}}, {"Idempotency_Key": "first"}
    first, again, other, changed = looped(
        hub.trusted,
        hub,
        [
            FakeRequest("PATCH", customer, change, headers),
            FakeRequest("PATCH", customer, change, headers),
            FakeRequest("PATCH", customer, {"base": {"firstName": "Bea"}}, headers),
            FakeRequest("PATCH", customer, {"base": {"firstName": "Bea"}}),
        ],
    )
    assert [first.status, again.status, other.status, changed.status] == [200, 200, 409, 200]
    assert (again.content, again["version"]) == (first.content, changed["version"] - 1)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_browser_changes_only_whom_it_reaches(live_hub: Hub) -> None:
    hub = live_hub
    strange = f"/customers/{hub.post_customer()['id']}"
    body = {"nodeId": str(hub.node.id), "base": {"contacts": {"email": "own@example.com"}}}
    (made,) = looped(hub.untrusted, hub, [FakeRequest("POST", "/customers", body)])
    own = f"/customers/{made['id']}"
    change = {"base": {"firstName": "Ada"}}
    answers = looped(
        hub.untrusted,
        hub,
        [FakeRequest("PATCH", strange, change), FakeRequest("PATCH", own, change)],
    )
    assert [answer.status for answer in answers] == [403, 200]
    assert Customer.objects.get(id=made["id"]).base["firstName"] == "Ada"


def test_throttling_and_tracing(live_hub: Hub) -> None:
    hub = live_hub
    customer = f"/customers/{hub.post_customer()['id']}"
    hub.operator.put(f"{hub.configuration}/throttling", {"maxRequestsPerMinute": 2})
    requested = FakeRequest("GET", customer, None, {"X_Tracing_ID": "mine"})
    answers = looped(hub.trusted, hub, [requested] * 4)
    assert {answer.headers["X-Tracing-Id"] for answer in answers} == {"mine"}
    assert answers[0].status == 200
    assert answers[0].headers["Ratelimit-Limit"] == "2"
    assert answers[3].status == 429
    assert int(answers[3].headers["Retry-After"]) <= 60


def test_external_ids_that_events_wait_for(live_hub: Hub) -> None:
    hub = live_hub
    waiting = {
        "bringBackProperties": {
            "type": "EXTERNAL_ID",
            "value": "ext-1",
            "nodeId": str(hub.node.id),
        },
        "type": "loggedIn",
        "context": "WEB",
        "properties": {},
    }
    body = {
        "nodeId": str(hub.node.id),
        "externalId": "ext-1",
        "base": {"contacts": {"email": "ext@example.com"}},
    }
    event, customer = looped(
        hub.trusted,
        hub,
        [FakeRequest("POST", "/events", waiting), FakeRequest("POST", "/customers", body)],
    )
    assert (event.status, customer.status) == (202, 201)
    assert str(Event.objects.get(id=event["id"]).customer_id) == customer["id"]


def test_what_belongs_to_a_customer_is_read_and_refused_alike(live_hub: Hub) -> None:
    hub = live_hub
    customer = f"/customers/{hub.post_customer()['id']}"
    linked, education, subscription = looped(
        hub.trusted,
        hub,
        [
            FakeRequest("POST", f"{customer}/sessions", {"value": str(uuid4())}),
            FakeRequest("POST", f"{customer}/educations", {"id": "first", "schoolName": "Pisa"}),
            FakeRequest("POST", f"{customer}/subscriptions", {"id": "news", "subscribed": True}),
        ],
    )
    assert (linked.status, education.status, subscription.status) == (201, 201, 201)
    requested = [
        FakeRequest("GET", f"{customer}/sessions"),
        FakeRequest("GET", f"{customer}/sessions/{linked['id']}"),
        FakeRequest("GET", f"{customer}/sessions/{UUID(int=1)}"),
        FakeRequest("POST", f"{customer}/sessions", {"value": "null"}),
        FakeRequest("DELETE", f"{customer}/sessions/no-id"),
        FakeRequest("GET", f"{customer}/educations"),
        FakeRequest("GET", f"{customer}/educations/first"),
        FakeRequest("GET", f"{customer}/jobs/first"),
        FakeRequest("POST", f"{customer}/educations", {"id": "first"}),
        FakeRequest("POST", f"{customer}/educations", {"nothing": 1}),
        FakeRequest("PUT", f"{customer}/educations/second", {"schoolName": "Pisa"}),
        FakeRequest("DELETE", f"{customer}/likes/first"),
        FakeRequest("GET", f"{customer}/subscriptions/news"),
        FakeRequest("POST", f"{customer}/subscriptions", {"id": "news", "subscribed": False}),
        FakeRequest("POST", f"{customer}/subscriptions", {"id": "other"}),
        FakeRequest("PUT", f"{customer}/subscriptions/news", {"id": "other"}),
        FakeRequest("DELETE", f"{customer}/subscriptions/other"),
        FakeRequest("DELETE", customer, None, {"If_Match": '"9"'}),
        FakeRequest("DELETE", f"/customers/{UUID(int=1)}"),
    ]
    for client in (hub.trusted, hub.untrusted, hub.clients["GUEST"]):
        check_both(client, hub, requested)


def test_what_belongs_to_a_customer_is_changed_and_removed(live_hub: Hub) -> None:
    hub = live_hub
    made = hub.post_customer()
    customer = f"/customers/{made['id']}"
    answers = looped(
        hub.trusted,
        hub,
        [
            FakeRequest("POST", f"{customer}/jobs", {"id": "first", "jobTitle": "clerk"}),
            FakeRequest("PUT", f"{customer}/jobs/first", {"jobTitle": "judge"}),
            FakeRequest("POST", f"{customer}/subscriptions", {"id": "news", "subscribed": True}),
            FakeRequest("PUT", f"{customer}/subscriptions/news", {"subscribed": False}),
            FakeRequest("GET", customer),
            FakeRequest("DELETE", f"{customer}/jobs/first"),
            FakeRequest("DELETE", f"{customer}/subscriptions/news"),
            FakeRequest("GET", customer),
            FakeRequest("DELETE", customer),
            FakeRequest("GET", customer),
        ],
    )
    assert [answer.status for answer in answers] == [
        201, 200, 201, 200, 200, 200, 204, 200, 200, 404,
    ]  # fmt: skip
    changed, removed = answers[4], answers[7]
    assert changed["base"]["jobs"][0]["jobTitle"] == "judge"
    assert changed["base"]["subscriptions"][0]["subscribed"] is False
    assert (removed["base"]["jobs"], removed["base"]["subscriptions"]) == ([], [])
    assert removed["version"] == made["version"] + 6


def test_of_equal_elements_that_come_at_once_one_is_added(live_hub: Hub) -> None:
    hub = live_hub
    path = f"{hub.path}/customers/{hub.post_customer()['id']}/educations"
    session = f"{hub.path}/customers/{hub.post_customer()['id']}/sessions"

    async def at_once() -> tuple[list[Answer], list[Answer]]:
        client = LoopClient(hub.trusted.token)
        added = [client.request("POST", path, {"id": "first"}) for _ in range(8)]
        linked = [client.request("POST", session, {"value": "same"}) for _ in range(8)]
        return await asyncio.gather(*added), await asyncio.gather(*linked)

    added, linked = asyncio.run(at_once())
    assert sorted(answer.status for answer in added) == [201, *[409] * 7]
    assert {(answer.status, answer["id"]) for answer in linked} == {(201, linked[0]["id"])}
