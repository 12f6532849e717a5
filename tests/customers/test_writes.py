"""Random writes to one entry node do what the naive model says."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from configuration.models import Node
from customers.models import Change, ConsentLogEntry
from tests.client import Answer
from tests.customers.naive_model import (
    BODIES,
    FULL_BODIES,
    NAMES,
    SUBSCRIPTION,
    NaiveNode,
    Refused,
    reported,
)
from tests.factories import Hub

PEOPLE = st.integers(1, 3)
STRICT = st.booleans()
CHANGES = st.one_of(BODIES, FULL_BODIES)
OPERATIONS = st.one_of(
    st.tuples(st.just("post"), FULL_BODIES),
    st.tuples(st.just("post"), CHANGES),
    st.tuples(st.just("patch"), PEOPLE, CHANGES, STRICT),
    st.tuples(st.just("put"), PEOPLE, CHANGES, STRICT),
    st.tuples(st.just("delete"), PEOPLE),
    st.tuples(st.just("subscribe"), PEOPLE, SUBSCRIPTION),
    st.tuples(st.just("change"), PEOPLE, NAMES, SUBSCRIPTION),
    st.tuples(st.just("unsubscribe"), PEOPLE, NAMES),
    st.tuples(st.just("write back"), PEOPLE, STRICT),
)
NEWS = {"id": "news", "subscribed": True}
ADA = {"base": {"contacts": {"email": "one@example.com"}, "subscriptions": [NEWS]}}


class Run:
    """A node of the product and the model's, given the same operations by `client`."""

    def __init__(self, hub: Hub, node: Node | None = None, model: NaiveNode | None = None) -> None:
        self.hub = hub
        self.node_id = str((node or hub.node).id)
        self.model = model or NaiveNode()
        self.client = hub.trusted
        self.ids: dict[int, str] = {}

    def customer(self, number: int) -> str:
        missing = "00000000-0000-4000-8000-000000000000"
        return f"{self.hub.path}/customers/{self.ids.get(number, missing)}"

    def expected(self, operation: tuple[Any, ...]) -> int:
        """What the model answers."""
        kind, *parts = operation
        model = self.model
        try:
            if kind == "post":
                status, number = model.post(*parts)
                return status
            if kind in {"patch", "put"}:
                number, body, strict = parts
                return getattr(model, kind)(number, body, strict=strict)
            if kind == "delete":
                return model.delete(*parts)
            if kind == "subscribe":
                return model.add_subscription(*parts)
            if kind == "change":
                number, name, body = parts
                return model.change_subscription(number, name_of(name), without_id(body))
            if kind == "unsubscribe":
                return model.remove_subscription(parts[0], name_of(parts[1]))
            return 200 if parts[0] in model.people else 404
        except Refused as refused:
            return refused.status

    def answer(self, operation: tuple[Any, ...]) -> Answer:
        """What the product answers."""
        kind, *parts = operation
        client = self.client
        node = {"nodeId": self.node_id}
        if kind == "post":
            return client.post(f"{self.hub.path}/customers", parts[0] | node)
        path = self.customer(parts[0])
        if kind in {"patch", "put"}:
            _, body, strict = parts
            query = {"mode": "STRICT"} if strict else {}
            return getattr(client, kind)(path, body | node, query=query)
        if kind == "delete":
            return client.delete(path)
        if kind == "subscribe":
            return client.post(f"{path}/subscriptions", parts[1])
        if kind == "change":
            return client.put(f"{path}/subscriptions/{parts[1]}", without_id(parts[2]))
        if kind == "unsubscribe":
            return client.delete(f"{path}/subscriptions/{parts[1]}")
        read = client.get(path)
        return client.put(path, read.json, query={"mode": "STRICT"} if parts[1] else {})

    def do(self, operation: tuple[Any, ...]) -> None:
        status, answer = self.expected(operation), self.answer(operation)
        assert answer.status == status, (operation, answer.content)
        if status == 201 and operation[0] == "post":
            self.ids[self.model.ever] = answer["id"]
        self.compare()

    def compare(self) -> None:
        for number, customer in self.ids.items():
            answer = self.hub.trusted.get(f"{self.hub.path}/customers/{customer}")
            person = self.model.people.get(number)
            if person is None:
                assert answer.status == 404
                continue
            assert reported(answer.json) == (person.values, person.subscriptions)
            assert answer["version"] == person.version
            lines = ConsentLogEntry.objects.filter(customer_id=customer).order_by("id")
            assert list(lines.values_list("type", "property", "value")) == person.log
            changes = Change.objects.filter(entity_id=customer).count()
            assert changes == person.version, "one row of the feed for each version"


def name_of(text: str) -> str:
    return "Novità" if text.startswith("Nov") else text


def without_id(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "id"}


@settings(max_examples=40)
@given(st.lists(OPERATIONS, min_size=1, max_size=8))
@example([("post", ADA), ("patch", 1, {"base": {"subscriptions": []}}, False)])
@example([("post", ADA), ("patch", 1, {"base": {"subscriptions": None}}, False)])
@example([("post", ADA), ("put", 1, ADA | {"base": {**ADA["base"], "subscriptions": []}}, True)])
@example([("post", ADA), ("write back", 1, False), ("write back", 1, True)])
@example([("post", ADA), ("post", {"base": {**ADA["base"], "subscriptions": [{"id": "news"}]}})])
@example([("post", {"base": {**ADA["base"], "subscriptions": [{"id": "news"}]}})])
def test_writes_do_what_the_naive_model_says(hub: Hub, operations: list[tuple[Any, ...]]) -> None:
    with transaction.atomic():
        run = Run(hub)
        for operation in operations:
            run.do(operation)
        transaction.set_rollback(True)
