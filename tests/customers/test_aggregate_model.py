"""Random writes to two entry nodes make of an aggregate node what the naive model says."""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from customers.models import Change
from tests.client import ApiClient
from tests.customers.naive_model import (
    BODIES,
    EMAIL,
    FLAGS,
    FULL_BODIES,
    MAYBE,
    NAMES,
    SUBSCRIPTION,
    Clock,
    NaiveAggregate,
    NaiveNode,
    folded,
    leaves_of,
    reported,
)
from tests.customers.test_aggregates import activate, entries, make, merge_all_pending, people
from tests.customers.test_writes import Run
from tests.factories import Hub, make_source

HIDDEN = "B"
EXTENDED = {
    "points": {"type": "integer", "mergePolicy": "MATH_SUM"},
    "colours": {"type": "array", "items": {"type": "string"}, "mergePolicy": "ARRAY_UNION"},
}
POLICIES = st.fixed_dictionaries(
    {},
    optional={
        "points": st.sampled_from([1, 2, -3, None]),
        "colours": st.lists(st.sampled_from(["red", "blue"]), max_size=2, unique=True),
    },
)


def with_extended(bodies: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(lambda body, extended: body | extended, bodies, st.fixed_dictionaries({}, optional={"extended": POLICIES}))  # fmt: skip


PEOPLE = st.sampled_from([1, 1, 1, 2])
STRICT = st.sampled_from([False, False, True])
FULL, CHANGES = with_extended(FULL_BODIES), with_extended(st.one_of(BODIES, FULL_BODIES))
# What members contradict each other about, and what says nothing of it.
CONSENT = st.builds(
    lambda status: {"consents": {"profiling": {"online": {"status": status}}}}, MAYBE
)
TOUCH = st.builds(lambda name: {"base": {"firstName": name}}, st.sampled_from(["a", "b"]))
NEWS = st.fixed_dictionaries({"id": st.just("news"), "subscribed": FLAGS})
PATCH, PLAIN = st.just("patch"), st.just(False)
WRITES = st.one_of(
    st.tuples(st.just("post"), FULL),
    st.tuples(PATCH, PEOPLE, CHANGES, STRICT),
    st.tuples(st.just("put"), PEOPLE, FULL, STRICT),
    st.tuples(st.just("delete"), PEOPLE),
    st.tuples(st.just("subscribe"), PEOPLE, st.one_of(NEWS, SUBSCRIPTION)),
    st.tuples(st.just("change"), PEOPLE, NAMES, SUBSCRIPTION),
    st.tuples(st.just("change"), PEOPLE, st.just("news"), NEWS),
    st.tuples(st.just("unsubscribe"), PEOPLE, NAMES),
    st.tuples(PATCH, PEOPLE, CONSENT, PLAIN),
    st.tuples(PATCH, PEOPLE, CONSENT, PLAIN),
    st.tuples(PATCH, PEOPLE, TOUCH, PLAIN),
)
NODES, SOURCES = st.sampled_from(["one", "two"]), st.sampled_from(["shop", "till", "other"])
STEPS = st.tuples(NODES, SOURCES, WRITES, st.booleans())  # and whether the aggregate follows
# Somebody is in both nodes from the beginning, subscribed and consenting there.
BOTH = st.builds(
    lambda body, news, consent: {
        **body,
        **consent,
        "base": {
            **body["base"],
            "contacts": {"email": "one@example.com"},
            "subscriptions": [news],
        },
    },
    FULL,
    NEWS,
    CONSENT,
)
BEGINNINGS = st.tuples(
    *(
        st.tuples(st.just(node), SOURCES, st.tuples(st.just("post"), BOTH), st.just(False))
        for node in ("one", "two")
    )
)
HISTORIES = st.builds(
    lambda first, others: [*first, *others],
    BEGINNINGS,
    st.lists(STEPS, min_size=3, max_size=12),
)
# The sources of each entry node, the highest first; those that are missing come last.
ORDERS = st.sampled_from([[], ["shop"], ["till", "shop"], ["other", "shop", "till"]])


class World:
    """Two entry nodes and an aggregate node of them, in the product and in the model."""

    def __init__(self, hub: Hub, orders: dict[str, list[str]]) -> None:
        self.hub = hub
        assert hub.operator.put(f"{hub.configuration}/properties/extended", EXTENDED).status == 200
        nodes = {"one": hub.node, "two": hub.other_node}
        made = {
            name: make_source(hub.workspace, list(nodes.values())) for name in ("till", "other")
        }
        self.clients = {name: ApiClient(token) for name, (_, token) in made.items()}
        self.clients["shop"] = hub.trusted
        sources = {name: str(source.id) for name, (source, _) in made.items()}
        sources["shop"] = str(hub.source.id)
        clock = Clock()
        self.runs = {}
        for name, node in nodes.items():
            path = f"{hub.configuration}/nodes/entries/{node.id}"
            priority = {"sourcePriority": [sources[each] for each in orders[name]]}
            answer = hub.admin.put(path, hub.admin.get(path).json | priority)
            assert answer.status == 200, answer.content
            self.runs[name] = Run(hub, node, NaiveNode(clock))
        models = {name: run.model for name, run in self.runs.items()}
        self.model = NaiveAggregate(models, orders, HIDDEN)
        hidden = {"type": "atomic", "attribute": "extra", "operator": "EQUALS", "value": HIDDEN}
        self.node = make(hub, exclusionFilters=[hidden])
        activate(hub, self.node)
        self.ids: dict[str, str] = {}

    def write(self, name: str, source: str, operation: tuple[Any, ...]) -> None:
        run = self.runs[name]
        run.client, run.model.author = self.clients[source], source
        run.do(operation)
        time.sleep(0.002)  # moments have milliseconds, and no two writes the same

    def merge_all_pending(self) -> None:
        """Have both follow, and compare."""
        merge_all_pending()
        self.model.merge_aggregates()
        displayed = {self.key(each): each for each in people(self.hub, self.node)}
        assert displayed.keys() == self.model.people.keys()
        for key, person in self.model.people.items():
            customer = displayed[key]
            members = [self.runs[node].ids[number] for node, number in person.members]
            assert entries(self.hub, customer["id"]) == set(members)
            assert reported(customer) == (person.values, person.subscriptions)
            assert customer["version"] == person.version
            assert self.ids.setdefault(key, customer["id"]) == customer["id"]
            singles = [self.hub.admin.get(f"{self.hub.path}/customers/{each}") for each in members]
            assert customer["registeredAt"] == min(each["registeredAt"] for each in singles)
            changes = Change.objects.filter(entity_id=customer["id"])
            operations = list(changes.order_by("id").values_list("operation", flat=True))
            assert operations == ["CREATE"] + ["UPDATE"] * (person.version - 1)
            if len(members) > 1:
                event("several members")
        for key in self.ids.keys() - displayed.keys():
            gone = self.ids.pop(key)
            assert self.hub.admin.get(f"{self.hub.path}/customers/{gone}").status == 404
            assert Change.objects.filter(entity_id=gone).latest("id").operation == "DELETE"

    def key(self, customer: dict[str, Any]) -> str:
        return folded(leaves_of(customer)[EMAIL])


ADA: dict[str, Any] = {"base": {"contacts": {"email": "one@example.com"}}}
SUBSCRIBED = {"id": "news", "subscribed": True}
YES = {"consents": {"profiling": {"online": {"status": True}}}}
NO = {"consents": {"profiling": {"online": {"status": None}}}}


@settings(max_examples=40)
@given(st.fixed_dictionaries({"one": ORDERS, "two": ORDERS}), HISTORIES)
@example(
    {"one": ["shop"], "two": []},
    [
        ("one", "shop", ("post", ADA | YES), False),
        ("two", "till", ("post", ADA | YES), False),
        ("two", "till", ("patch", 1, NO, False), False),
        ("one", "shop", ("patch", 1, {"base": {"firstName": "a"}}, False), True),
    ],
)
@example(
    {"one": [], "two": []},
    [
        ("one", "shop", ("post", ADA), False),
        ("two", "shop", ("post", ADA), False),
        ("one", "shop", ("subscribe", 1, SUBSCRIBED), False),
        ("two", "shop", ("subscribe", 1, SUBSCRIBED), False),
        ("one", "shop", ("change", 1, "news", SUBSCRIBED | {"subscribed": False}), False),
        ("two", "shop", ("patch", 1, {"base": {"firstName": "a"}}, False), True),
    ],
)
def test_an_aggregate_is_what_the_naive_model_says(
    hub: Hub, orders: dict[str, list[str]], steps: list[Any]
) -> None:
    with transaction.atomic():
        world = World(hub, orders)
        for name, source, operation, follows in steps:
            world.write(name, source, operation)
            if follows:
                world.merge_all_pending()
        world.merge_all_pending()
        transaction.set_rollback(True)
