"""Entry customers are put together, or kept apart, in aggregate nodes, whatever their values say."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from customers.models import AggregatePin
from tests.customers.test_aggregates import activate, entries, make, merge_all_pending, people
from tests.customers.test_erasure import forget, post
from tests.factories import Hub


class AggregateOfTwo:
    """An aggregate node over two nodes, with Ada here, Ada there, and Bea."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.here = post(hub, "ada@x.it")
        self.there = post(hub, "ada@x.it", node=hub.other_node)
        self.bea = post(hub, "bea@x.it", node=hub.other_node)
        self.node = make(hub)
        activate(hub, self.node)
        merge_all_pending()
        self.path = f"{hub.path}/nodes/{self.node}/pins"

    def pin(self, customer: str, to: str | None, role: str = "ADMIN") -> Any:
        return self.hub.clients[role].put(f"{self.path}/{customer}", {"with": to})

    def unpin(self, customer: str) -> Any:
        return self.hub.admin.delete(f"{self.path}/{customer}")

    def people(self) -> set[frozenset[str]]:
        found = people(self.hub, self.node)
        return {frozenset(entries(self.hub, each["id"])) for each in found}


@pytest.fixture
def pinned(hub: Hub) -> AggregateOfTwo:
    return AggregateOfTwo(hub)


def test_customers_are_put_together_for_good(pinned: AggregateOfTwo) -> None:
    here, there, bea = pinned.here, pinned.there, pinned.bea
    answer = pinned.pin(bea, here)
    assert (answer.status, answer["isApart"]) == (200, False), answer.content
    assert pinned.people() == {frozenset([here, there, bea])}
    # Whatever becomes of their values.
    hub = pinned.hub
    for customer, email in ((bea, "other@x.it"), (here, "changed@x.it")):
        body = {"base": {"contacts": {"email": email}}}
        assert hub.admin.patch(f"{hub.path}/customers/{customer}", body).status == 200
        merge_all_pending()
        assert pinned.people() == {frozenset([here, there, bea])}
    assert pinned.unpin(bea).status == 204
    assert pinned.people() == {frozenset([here, there]), frozenset([bea])}
    assert pinned.unpin(here).status == 204
    assert pinned.people() == {frozenset([here]), frozenset([there]), frozenset([bea])}
    assert pinned.unpin(here).status == 404


def test_a_customer_is_kept_apart_for_good(pinned: AggregateOfTwo) -> None:
    here, there, bea = pinned.here, pinned.there, pinned.bea
    assert pinned.pin(there, None)["isApart"] is True
    assert pinned.people() == {frozenset([here]), frozenset([there]), frozenset([bea])}
    hub = pinned.hub
    hub.admin.patch(f"{hub.path}/customers/{there}", {"base": {"firstName": "Ada"}})
    merge_all_pending()
    assert len(pinned.people()) == 3
    listed = hub.admin.get(pinned.path)
    assert [each["customerId"] for each in listed["elements"]] == [there]
    assert hub.admin.get(pinned.path, query={"customerId": bea})["elements"] == []
    # Put together with one who is kept apart: the person that its values say.
    assert pinned.pin(there, here)["isApart"] is False
    assert pinned.people() == {frozenset([here, there]), frozenset([bea])}


def test_what_cannot_be_pinned_is_refused(pinned: AggregateOfTwo) -> None:
    hub, here = pinned.hub, pinned.here
    (copy, *_) = (each["id"] for each in people(hub, pinned.node))
    for to in (here, str(uuid.uuid4()), copy, "x", 7, "\x00"):
        refused = pinned.pin(here, to)  # type: ignore[arg-type]
        assert (refused.status, refused.paths) == (400, {"/with"}), to
    path = f"{pinned.path}/{here}"
    assert hub.admin.put(path, {}).paths == {"/with"}
    assert pinned.pin(copy, here).status == pinned.pin(str(uuid.uuid4()), None).status == 404
    entry = f"{hub.path}/nodes/{hub.node.id}/pins/{here}"
    assert hub.admin.put(entry, {"with": None}).status == 409
    assert hub.admin.delete(entry).status == 409
    assert (
        hub.admin.put(f"{hub.path}/nodes/{uuid.uuid4()}/pins/{here}", {"with": None}).status == 404
    )
    assert not AggregatePin.objects.exists()


def test_pins_go_with_the_person(pinned: AggregateOfTwo) -> None:
    pinned.pin(pinned.bea, pinned.here)
    forget(pinned.hub, pinned.bea)
    assert AggregatePin.objects.count() == 1
    assert pinned.people() == {frozenset([pinned.here, pinned.there])}
