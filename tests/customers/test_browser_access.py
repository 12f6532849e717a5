"""What the token of a browser's source reaches and changes, which anybody can read in the page."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customers.models import Customer
from tests.client import Answer, ApiClient
from tests.factories import Hub, make_node, make_source

EMAIL = {"contacts": {"email": "ada@example.com"}}


@pytest.fixture
def ada(hub: Hub) -> str:
    """A customer whom a trusted source has made."""
    return hub.post_customer(externalId="a-1", base={**EMAIL, "firstName": "Ada"})["id"]


@pytest.fixture
def own(hub: Hub) -> str:
    """A customer whom the browser's source has made."""
    return hub.post_customer(
        hub.untrusted,
        externalId="o-1",
        base={"contacts": {"email": "own@example.com"}, "firstName": "Own"},
    )["id"]


def path(hub: Hub, customer: str) -> str:
    return f"{hub.path}/customers/{customer}"


def equal(attribute: str, value: Any, operator: str = "EQUALS") -> dict[str, Any]:
    return {"type": "atomic", "attribute": attribute, "operator": operator, "value": value}


def both(*conditions: Any, conjunction: str = "and") -> dict[str, Any]:
    return {"type": "composite", "conjunction": conjunction, "conditions": list(conditions)}


def simple(condition: Any) -> dict[str, Any]:
    return {"type": "simple", "are": {"condition": condition}}


def look_up(hub: Hub, query: Any = None, **parameters: Any) -> Answer:
    given = {"nodeId": str(hub.node.id), **parameters}
    if query is not None:
        given["query"] = json.dumps({"query": query})
    return hub.untrusted.get(f"{hub.path}/customers", query=given)


def test_a_list_needs_something_to_look_up(hub: Hub, ada: str) -> None:
    for parameters in ({}, {"externalId": ""}, {"fields": "base.firstName"}, {"page": "0"}):
        assert look_up(hub, **parameters).status == 403, parameters
    assert look_up(hub, externalId="a-1", sort="updatedAt,desc").status == 403


def test_looking_up_by_external_id(hub: Hub, ada: str) -> None:
    hub.post_customer()
    found = look_up(hub, externalId="a-1")
    assert [each["id"] for each in found["elements"]] == [ada]
    assert found["elements"][0]["base"]["firstName"] is None
    assert found["page"]["totalUnfilteredElements"] == 1, "how many there are is not told"
    assert look_up(hub, externalId="a-2")["elements"] == []
    assert [
        each["id"] for each in look_up(hub, simple(equal("externalId", "a-1")))["elements"]
    ] == [ada]


def test_looking_up_by_all_the_recognised_values(hub: Hub) -> None:
    node = make_node(hub.workspace, unique_properties=["base.firstName", "base.lastName"])
    client = ApiClient(make_source(hub.workspace, [node], "JavaScript")[1])
    base = {"firstName": "Ada", "lastName": "Byron", "dob": "1815-12-10"}
    ada = hub.post_customer(hub.admin, nodeId=str(node.id), base=base)["id"]
    first, last = equal("base.firstName", "ada"), equal("base.lastName", "Byron")
    combined = {
        "type": "combined",
        "conjunction": "INTERSECT",
        "queries": [simple(first), simple(last)],
    }
    parameters = {"nodeId": str(node.id)}

    def requested(query: Any, **more: str) -> Answer:
        given = {**parameters, **more, "query": json.dumps({"query": query})}
        return client.get(f"{hub.path}/customers", query=given)

    for query in (simple(both(first, last)), simple(both(last, both(first))), combined):
        assert [each["id"] for each in requested(query)["elements"]] == [ada], query
    union = combined | {"conjunction": "UNION"}
    refused = [
        simple(first),
        simple(both(first, last, conjunction="or")),
        simple(both(first, both(last, equal("base.dob", "1815-12-10"), conjunction="or"))),
        simple(both(first, last, equal("base.dob", "1815-12-10"))),
        simple(both(first, equal("base.lastName", "B", "NOT_EQUALS"))),
        simple(both(first, equal("base.lastName", ["Byron"], "IN"))),
        simple(both(equal("externalId", "x"), first)),
        union,
        combined | {"conjunction": "EXCEPT"},
        simple(both(first, last)) | {"did": {"event": {"name": "viewedPage"}}},
    ]
    for query in refused:
        assert requested(query).status in {400, 403}, query
        assert requested(query, externalId="a-1").status in {400, 403}, query
    assert requested(simple(first)).status == 403
    assert requested(union).status == 403


@pytest.mark.parametrize("method", ["patch", "put"])
def test_strict_is_refused(hub: Hub, own: str, method: str) -> None:
    body = {"nodeId": str(hub.node.id), "base": {"contacts": {"email": "own@example.com"}}}
    change = getattr(hub.untrusted, method)
    assert change(path(hub, own), body, query={"mode": "STRICT"}).status == 403
    assert change(path(hub, own), body).status == 200


def test_a_customer_of_others_is_reached_only_by_naming_it(hub: Hub, ada: str) -> None:
    before = Customer.objects.get(id=ada)
    for body in (
        {},
        {"base": {"firstName": "X"}},
        {"base": {"contacts": {"email": "else@example.com"}}},
        {"externalId": "a-1"},
        {"base": "x"},
        {"base": {"contacts": {"email": None}}},
        {"base": {"contacts": {"email": ["ada@example.com"]}}},
    ):
        assert hub.untrusted.patch(path(hub, ada), body).status == 403, body
        assert hub.untrusted.patch(path(hub, ada), body, If_Match='"9"').status == 403
    assert Customer.objects.get(id=ada).version == before.version
    named = {"contacts": {"email": "ADA@example.com"}}
    changed = hub.untrusted.patch(path(hub, ada), {"base": {**named, "lastName": "L"}})
    assert (changed.status, changed["base"]["lastName"]) == (200, "L")
    assert changed["base"]["firstName"] is None
    put = {"nodeId": str(hub.node.id), "base": {**EMAIL, "lastName": "M"}}
    assert hub.untrusted.put(path(hub, ada), put).status == 200
    assert (
        hub.untrusted.put(path(hub, ada), put | {"base": {"contacts": {"email": "z@z.it"}}}).status
        == 403
    )


def test_its_own_post_is_reached(hub: Hub, own: str) -> None:
    assert hub.untrusted.patch(path(hub, own), {"base": {"lastName": "L"}}).status == 200
    # Another browser's source has not made it.
    other = ApiClient(make_source(hub.workspace, [hub.node], "JavaScript")[1])
    assert other.patch(path(hub, own), {"base": {"lastName": "M"}}).status == 403


def test_a_customer_with_one_of_its_sessions_is_reached(hub: Hub, ada: str) -> None:
    linked = hub.untrusted.patch(path(hub, ada), {"base": EMAIL}, query={"sessionId": "visit"})
    assert linked.status == 200
    assert hub.untrusted.patch(path(hub, ada), {"base": {"lastName": "L"}}).status == 200
    for session in hub.trusted.get(path(hub, ada) + "/sessions")["elements"]:
        hub.trusted.delete(f"{path(hub, ada)}/sessions/{session['id']}")
    assert hub.untrusted.patch(path(hub, ada), {"base": {"lastName": "M"}}).status == 403


def test_a_session_of_another_source_is_not_its_own(hub: Hub, ada: str) -> None:
    assert hub.trusted.post(path(hub, ada) + "/sessions", {"value": "till"}).status == 201
    refused = hub.untrusted.patch(path(hub, ada), {}, query={"sessionId": "till"})
    assert refused.status == 403
    assert hub.untrusted.post(path(hub, ada) + "/sessions", {"value": "till"}).status == 403


def test_a_refused_change_links_no_session(hub: Hub, ada: str) -> None:
    assert hub.untrusted.patch(path(hub, ada), {}, query={"sessionId": "mine"}).status == 403
    assert hub.trusted.get(path(hub, ada) + "/sessions")["elements"] == []


def test_a_post_that_names_a_customer_links_a_session(hub: Hub, ada: str) -> None:
    body = {"nodeId": str(hub.node.id), "base": EMAIL}
    posted = hub.untrusted.post(f"{hub.path}/customers", body, query={"sessionId": "visit"})
    assert (posted.status, posted["id"]) == (200, ada)
    assert hub.untrusted.patch(path(hub, ada), {"base": {"lastName": "L"}}).status == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"base": {"contacts": {"email": "new@example.com"}}}, "/base/contacts/email"),
        ({"base": {"contacts": {"email": None}}}, "/base/contacts/email"),
        ({"base": {"contacts": None}}, "/base/contacts/email"),
        ({"externalId": "o-2"}, "/externalId"),
        ({"externalId": None}, "/externalId"),
    ],
)
def test_recognised_values_stay(hub: Hub, own: str, body: Any, pointer: str) -> None:
    refused = hub.untrusted.patch(path(hub, own), body)
    assert (refused.status, refused.paths) == (403, {pointer})
    assert hub.trusted.get(path(hub, own))["version"] == 1


def test_recognised_values_may_be_written_as_the_node_compares_them(hub: Hub, own: str) -> None:
    body = {"base": {"contacts": {"email": "OWN@example.com"}}, "externalId": "o-1"}
    assert hub.untrusted.patch(path(hub, own), body).status == 200


def test_a_matching_post_changes_no_external_id(hub: Hub, ada: str) -> None:
    refused = hub.post_customer(hub.untrusted, base=EMAIL, externalId="mine")
    assert (refused.status, refused.paths) == (403, {"/externalId"})
    assert hub.trusted.get(path(hub, ada))["externalId"] == "a-1"
    without = hub.post_customer(base={"contacts": {"email": "new@example.com"}})["id"]
    given = hub.post_customer(
        hub.untrusted, base={"contacts": {"email": "new@example.com"}}, externalId="n-1"
    )
    assert (given.status, given["id"], given["externalId"]) == (200, without, "n-1")


def test_subscriptions_and_sessions_go_by_the_same_reach(hub: Hub, ada: str, own: str) -> None:
    news = {"id": "news", "subscribed": True}
    hub.trusted.post(path(hub, ada) + "/subscriptions", news)
    assert hub.untrusted.post(path(hub, ada) + "/subscriptions", news | {"id": "x"}).status == 403
    changed = hub.untrusted.put(path(hub, ada) + "/subscriptions/news", {"subscribed": False})
    assert changed.status == 403
    assert hub.untrusted.post(path(hub, ada) + "/sessions", {"value": "s"}).status == 403
    assert hub.untrusted.post(path(hub, own) + "/subscriptions", news).status == 201
    assert hub.untrusted.put(path(hub, own) + "/subscriptions/news", news).status == 200
    assert hub.untrusted.post(path(hub, own) + "/sessions", {"value": "s"}).status == 201


def test_what_its_roles_do_not_name_stays_closed(hub: Hub, own: str) -> None:
    for suffix in ("", "/subscriptions/news", "/sessions", "/sessions/x"):
        assert hub.untrusted.get(path(hub, own) + suffix).status == 403
    for suffix in ("", "/subscriptions/news", "/sessions/x"):
        assert hub.untrusted.delete(path(hub, own) + suffix).status == 403


def test_events_can_be_sent_of_everybody_and_changed_if_it_has_sent_them(
    hub: Hub, ada: str
) -> None:
    body = {"type": "loggedIn", "context": "WEB", "customerId": ada}
    theirs = hub.trusted.post(f"{hub.path}/events", body)["id"]
    mine = hub.untrusted.post(f"{hub.path}/events", body)
    assert mine.status == 202
    change = {"type": "loggedIn", "context": "WEB", "properties": {}, "tracking": None}
    for method in ("put", "patch"):
        send = getattr(hub.untrusted, method)
        sent = change if method == "put" else {"properties": {}}
        assert send(f"{hub.path}/events/{mine['id']}", sent).status == 202
        assert send(f"{hub.path}/events/{theirs}", sent).status == 403
    assert hub.untrusted.delete(f"{hub.path}/events/{mine['id']}").status == 403
    assert hub.untrusted.get(f"{hub.path}/events", query={"customerId": ada}).status == 403


def test_others_are_not_limited(hub: Hub, own: str) -> None:
    for client in (hub.trusted, hub.clients["USER"], hub.admin):
        assert (
            client.patch(path(hub, own), {"externalId": "x"}, query={"mode": "STRICT"}).status
            == 200
        )
        assert client.post(path(hub, own) + "/sessions", {"value": "s"}).status == 201
