"""Any history of writes in a node with several rules, against a model that shares no code."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from customers.models import Customer, DuplicatePair, MatchingKey
from tests.customers.test_several_rules import person, with_rules
from tests.factories import Hub

_runs = itertools.count()
EXTERNAL_IDS = st.sampled_from([None, "a", "b", "c"])
EMAILS = st.sampled_from([None, "a", "b", "c"])
PHONES = st.sampled_from([None, 0, 1, 2])


class Model:
    """Customers by id, each a list of what it is known by; who had a value first, comes first."""

    def __init__(self) -> None:
        self.people: dict[str, list[Any]] = {}
        self.had: dict[tuple[int, Any], list[str]] = {}

    def recognised(self, values: list[Any]) -> str | None:
        for number, value in enumerate(values):
            had_by = self.had.get((number, value), []) if value is not None else []
            if had_by:
                known = self.people[had_by[0]]
                if all(
                    one is None or other is None or one == other
                    for one, other in zip(known[:number], values[:number], strict=True)
                ):
                    return had_by[0]
        return None

    def set(self, who: str, values: list[Any]) -> None:
        for number, value in enumerate(values):
            before = self.people.get(who, [None] * 3)[number]
            if before == value:
                continue
            if before is not None:
                self.had[number, before].remove(who)
            if value is not None:
                self.had.setdefault((number, value), []).append(who)
        self.people[who] = values

    def delete(self, who: str) -> None:
        self.set(who, [None] * 3)
        del self.people[who]

    def taken(self, who: str, values: list[Any]) -> bool:
        """Whether a change would give it what another has."""
        return any(
            value is not None and value != mine and self.had.get((number, value))
            for number, (value, mine) in enumerate(zip(values, self.people[who], strict=True))
        )


class RecognitionMachine(RuleBasedStateMachine):
    hub: Hub

    @initialize()
    def begin(self) -> None:
        self.tag = next(_runs)
        self.model = Model()

    def body(self, values: list[Any]) -> Any:
        ext, email, phone = values
        return person(
            None if ext is None else f"{self.tag}-{ext}",
            None if email is None else f"{email}{self.tag}@x.it",
            None if phone is None else f"333 {self.tag:04}00{phone}",
        )

    @rule(ext=EXTERNAL_IDS, email=EMAILS, phone=PHONES)
    def post(self, ext: str | None, email: str | None, phone: int | None) -> None:
        values = [ext, email, phone]
        answer = self.hub.post_customer(**self.body(values))
        if values == [None] * 3:
            assert answer.status == 400
            return
        known = self.model.recognised(values)
        assert answer.status == (201 if known is None else 200), answer.content
        who = answer["id"]
        assert known in {None, who}
        before = self.model.people.get(who, [None] * 3)
        pairs = zip(before, values, strict=True)
        self.model.set(who, [mine if value is None else value for mine, value in pairs])

    @rule(data=st.data(), number=st.integers(0, 2), value=st.integers(0, 2))
    def patch(self, data: st.DataObject, number: int, value: int) -> None:
        if not self.model.people:
            return
        who = data.draw(st.sampled_from(sorted(self.model.people)))
        values = list(self.model.people[who])
        values[number] = "abc"[value] if number < 2 else value
        change: list[Any] = [None] * 3
        change[number] = values[number]
        answer = self.hub.trusted.patch(f"{self.hub.path}/customers/{who}", self.body(change))
        is_taken = self.model.taken(who, values)
        assert answer.status == (409 if is_taken else 200), answer.content
        if not is_taken:
            self.model.set(who, values)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.model.people:
            who = data.draw(st.sampled_from(sorted(self.model.people)))
            assert self.hub.trusted.delete(f"{self.hub.path}/customers/{who}").status == 200
            self.model.delete(who)

    @invariant()
    def keys_are_those_of_the_customers(self) -> None:
        ids = self.model.people.keys()
        stored = MatchingKey.objects.filter(customer_id__in=ids)
        expected = sum(
            value is not None for each in self.model.people.values() for value in each[1:]
        )
        assert stored.count() == expected
        live = Customer.objects.live().filter(base__contacts__isnull=False)
        assert {str(each) for each in live.filter(id__in=ids).values_list("id", flat=True)} <= ids

    @invariant()
    def who_shares_a_key_is_a_candidate(self) -> None:
        shared = {
            frozenset((first, other))
            for had_by in self.model.had.values()
            for first, other in itertools.combinations(had_by, 2)
        }
        ids = self.model.people.keys()
        pairs = {
            frozenset((str(each.first_id), str(each.second_id)))
            for each in DuplicatePair.objects.filter(first_id__in=ids, second_id__in=ids)
        }
        assert pairs <= shared


def test_recognition_is_that_of_the_model(hub: Hub) -> None:
    machine = type("Here", (RecognitionMachine,), {"hub": with_rules(hub)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12, stateful_step_count=20, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
