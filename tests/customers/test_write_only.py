"""Somebody who may write in a node and not read there is told what a browser's token is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import Answer, ApiClient
from tests.factories import Hub, make_token, make_user

EMAIL = {"contacts": {"email": "ada@example.com"}}
SECRETS = (b"Secret", b"secret")


@pytest.fixture
def writer(hub: Hub) -> ApiClient:
    """A person with W in one node and R in the other."""
    grants = {hub.node: "W", hub.other_node: "R"}
    return ApiClient(make_token(make_user("USER", workspaces=(hub.workspace,), grants=grants)))


@pytest.fixture
def ada(hub: Hub) -> str:
    return hub.post_customer(
        externalId="secret-7",
        base={
            **EMAIL, "firstName": "Secret",
            "subscriptions": [{"id": "news", "subscribed": True, "type": "Secret"}],
        },
        consents={"profiling": {"online": {"status": True}}},
        extra="secret",
        tags={"manual": ["secret"]},
    )["id"]  # fmt: skip


def keeps_secrets(answer: Answer) -> bool:
    return not any(secret in answer.content for secret in SECRETS)


@pytest.mark.parametrize("body", [{}, {"base": {"lastName": "L"}}, {"base": {"lastName": None}}])
@pytest.mark.parametrize("query", [{}, {"mode": "STRICT"}])
def test_patching_returns_nothing(
    hub: Hub, writer: ApiClient, ada: str, body: dict[str, Any], query: dict[str, str]
) -> None:
    path = f"{hub.path}/customers/{ada}"
    answer = writer.patch(path, body, query=query)
    assert answer.status == 200
    assert keeps_secrets(answer)
    assert answer["consents"] == {}
    assert answer["base"]["lastName"] == (body.get("base") or {}).get("lastName")
    assert (answer["id"], answer["externalId"], answer["extra"]) == (ada, None, None)
    assert answer["tags"] == {"auto": [], "manual": []}


def test_putting_returns_nothing(hub: Hub, writer: ApiClient, ada: str) -> None:
    body = {"nodeId": str(hub.node.id), "base": EMAIL}
    answer = writer.put(f"{hub.path}/customers/{ada}", body)
    assert answer.status == 200
    assert keeps_secrets(answer)
    assert hub.trusted.get(f"{hub.path}/customers/{ada}")["base"]["firstName"] == "Secret"


def test_a_matching_post_returns_nothing(hub: Hub, writer: ApiClient, ada: str) -> None:
    answer = hub.post_customer(writer, base=EMAIL)
    assert (answer.status, answer["id"]) == (200, ada)
    assert keeps_secrets(answer)
    created = hub.post_customer(writer, base={"contacts": {"email": "new@example.com"}})
    assert (created.status, created["base"]["contacts"]["email"]) == (201, "new@example.com")


def test_a_conflict_names_nobody(hub: Hub, writer: ApiClient, ada: str) -> None:
    other = hub.post_customer()["id"]
    answer = writer.patch(f"{hub.path}/customers/{other}", {"base": EMAIL})
    assert (answer.status, answer["data"]) == (409, None)
    assert ada.encode() not in answer.content


def test_changing_a_subscription_returns_nothing(hub: Hub, writer: ApiClient, ada: str) -> None:
    path = f"{hub.path}/customers/{ada}/subscriptions/news"
    answer = writer.put(path, {"subscribed": False})
    assert (answer.status, answer["subscribed"]) == (200, False)
    assert keeps_secrets(answer)
    assert writer.get(path).status == 403


def test_a_reader_of_one_node_and_writer_of_both_sees_that_one(hub: Hub, ada: str) -> None:
    grants = {hub.node: "RW", hub.other_node: "W"}
    client = ApiClient(make_token(make_user("USER", workspaces=(hub.workspace,), grants=grants)))
    assert client.patch(f"{hub.path}/customers/{ada}", {})["base"]["firstName"] == "Secret"
    body = {"nodeId": str(hub.other_node.id), "base": {**EMAIL, "firstName": "Secret"}}
    there = hub.post_customer(**body)["id"]
    assert keeps_secrets(client.patch(f"{hub.path}/customers/{there}", {}))
