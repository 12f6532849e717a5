"""Any history of writes, merges, undoings and erasures, against a model that shares no code."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from configuration.queries.rules import configuration_changed
from customers.models import FormerIdentity, MergedCustomer, RecordMerge, Session
from events.models import Event, MergedEvent
from tests.customers.test_erasure import DAY
from tests.factories import Hub

NUMBERS = st.integers(0, 3)
NAMES = ("firstName", "lastName", "title")
CONSENT = ("status", "limitation", "objection")
_runs = itertools.count()


class Person:
    """What a person is known to be: single values, tags, a consent, events and sessions."""

    def __init__(self, email: str, external_id: str) -> None:
        self.values: dict[str, str] = {"email": email, "externalId": external_id}
        self.tags: list[str] = []
        self.consent: dict[str, bool] = {}
        self.decided: dict[str, int] = {}
        self.changed = 0

    def strict(self, now: dict[str, bool]) -> None:
        """Never wider than a consent as it is now."""
        if self.consent.get("status") is True and now.get("status") is not True:
            self.consent.pop("status")
            if "status" in now:
                self.consent["status"] = now["status"]
        for leaf in ("limitation", "objection"):
            if now.get(leaf) is True:
                self.consent[leaf] = True


class Model:
    """People by their ids; `into` tells where each went, `merges` what undoing would restore."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.into: dict[str, str] = {}
        self.events: dict[str, str] = {}  # event: owner
        self.named: dict[str, str] = {}  # event: whom its source named
        self.sessions: dict[str, str] = {}
        self.merges: list[dict[str, Any]] = []
        self.clock = itertools.count(1)

    def current(self, who: str) -> str:
        while who in self.into:
            who = self.into[who]
        return who

    def merge(self, survivor: str, other: str) -> None:
        mine, theirs = self.people[survivor], self.people.pop(other)
        before, tick = copy.deepcopy(mine), next(self.clock)
        for name, value in theirs.values.items():
            mine.values.setdefault(name, value)
        mine.tags += [tag for tag in theirs.tags if tag not in mine.tags]
        for leaf in sorted({*mine.decided, *theirs.decided}):
            if theirs.decided.get(leaf, 0) > mine.decided.get(leaf, 0):
                mine.consent.pop(leaf, None)
                if leaf in theirs.consent:
                    mine.consent[leaf] = theirs.consent[leaf]
                if mine.consent.get(leaf) != before.consent.get(leaf):
                    mine.decided[leaf] = tick  # the merge is logged as the survivor's decision
        mine.changed = tick
        self.merges.append({
            "survivor": survivor, "other": other, "before": before, "after": copy.deepcopy(mine),
            "gone": copy.deepcopy(theirs),
            "events": {event for event, owner in self.events.items() if owner == other},
            "sessions": {value for value, owner in self.sessions.items() if owner == other},
        })  # fmt: skip
        for owned in (self.events, self.sessions):
            for key, owner in owned.items():
                if owner == other:
                    owned[key] = survivor
        self.into[other] = survivor

    def undo(self, merge: dict[str, Any]) -> None:
        survivor, other = merge["survivor"], merge["other"]
        mine, before, after = self.people[survivor], merge["before"], merge["after"]
        now, tick = copy.deepcopy(mine), next(self.clock)
        for name in {*mine.values, *before.values, *after.values}:
            if mine.values.get(name) == after.values.get(name):
                mine.values.pop(name, None)
                if name in before.values:
                    mine.values[name] = before.values[name]
        if now.tags == after.tags:
            mine.tags = list(before.tags)
        else:
            brought = [tag for tag in after.tags if tag not in before.tags]
            dropped = [tag for tag in after.tags if tag not in now.tags]
            kept = [tag for tag in before.tags if tag not in dropped]
            mine.tags = kept + [tag for tag in now.tags if tag not in brought and tag not in kept]
        for leaf in CONSENT:
            if now.consent.get(leaf) == after.consent.get(leaf):
                mine.consent.pop(leaf, None)
                if leaf in before.consent:
                    mine.consent[leaf] = before.consent[leaf]
        back: Person = merge["gone"]
        own = copy.deepcopy(back.consent)
        for person in (mine, back):
            person.strict(now.consent)
        for person, old in ((mine, now.consent), (back, own)):
            for leaf in CONSENT:
                if person.consent.get(leaf) != old.get(leaf):
                    person.decided[leaf] = tick
        mine.changed = back.changed = tick
        self.people[other] = back
        del self.into[other]
        self.merges.remove(merge)
        for event, owner in list(self.events.items()):
            if owner == survivor and (event in merge["events"] or self.named.get(event) == other):
                self.events[event] = other
        for value, owner in list(self.sessions.items()):
            if owner == survivor and value in merge["sessions"]:
                self.sessions[value] = other

    def forget(self, who: str) -> None:
        everybody = {each for each in self.into if self.current(each) == who} | {who}
        del self.people[who]
        for owned in (self.events, self.sessions):
            for key in [key for key, owner in owned.items() if owner == who]:
                del owned[key]
        self.merges = [each for each in self.merges if each["survivor"] not in everybody]
        for each in everybody:
            self.into.pop(each, None)


class Merging(RuleBasedStateMachine):
    hub: Hub

    @initialize()
    def begin(self) -> None:
        configuration_changed(self.hub.workspace.id)
        self.tag = f"r{next(_runs)}"
        self.model, self.ids, self.mails = Model(), [], {}
        for number in range(4):
            email, external_id = f"{self.tag}-{number}@x.it", f"{self.tag}-{number}"
            made = self.hub.post_customer(
                externalId=external_id, base={"contacts": {"email": email}}
            )
            assert made.status == 201
            self.ids.append(made["id"])
            self.mails[made["id"]] = email
            self.model.people[made["id"]] = Person(email, external_id)

    def path(self, who: str) -> str:
        return f"{self.hub.path}/customers/{who}"

    def known(self, who: str) -> Person | None:
        return self.model.people.get(self.model.current(who))

    @rule(number=NUMBERS, name=st.sampled_from(NAMES), value=st.sampled_from("xyz"))
    def patch(self, number: int, name: str, value: str) -> None:
        who = self.ids[number]
        answer = self.hub.trusted.patch(self.path(who), {"base": {name: value}})
        person = self.known(who)
        assert answer.status == (404 if person is None else 200), answer.content
        if person is not None:
            assert answer["id"] == self.model.current(who)
            person.values[name] = value
            person.changed = next(self.model.clock)

    @rule(number=NUMBERS, tag=st.sampled_from("abc"))
    def post_by_key(self, number: int, tag: str) -> None:
        """A POST by the key that the person has had first."""
        who = self.ids[number]
        person = self.known(who)
        if person is None:
            return
        body = {"base": {"contacts": {"email": self.mails[who]}}, "tags": {"manual": [tag]}}
        answer = self.hub.post_customer(self.hub.trusted, **body)
        assert (answer.status, answer["id"]) == (200, self.model.current(who)), answer.content
        if tag not in person.tags:
            person.tags.append(tag)
            person.changed = next(self.model.clock)

    @rule(number=NUMBERS, leaf=st.sampled_from(CONSENT), value=st.booleans())
    def consent(self, number: int, leaf: str, value: bool) -> None:
        who = self.ids[number]
        body = {"consents": {"marketing": {"automatic": {"sms": {leaf: value}}}}}
        answer = self.hub.trusted.patch(self.path(who), body)
        person = self.known(who)
        assert answer.status == (404 if person is None else 200)
        if person is not None and person.consent.get(leaf) is not value:
            person.consent[leaf] = value
            person.decided[leaf] = person.changed = next(self.model.clock)

    @rule(number=NUMBERS)
    def event(self, number: int) -> None:
        who = self.ids[number]
        body = {
            "customerId": who, "type": "searched", "context": "WEB", "date": DAY,
            "properties": {"keyword": "k"},
        }  # fmt: skip
        answer = self.hub.trusted.post(f"{self.hub.path}/events", body)
        assert answer.status == (404 if self.known(who) is None else 202), answer.content
        if answer.status == 202:
            event = answer["id"]
            self.model.events[event] = self.model.current(who)
            if who in self.model.into:
                self.model.named[event] = who

    @rule(number=NUMBERS)
    def session(self, number: int) -> None:
        who = self.ids[number]
        if self.known(who) is None or who in self.model.into:
            return
        value = f"{self.tag}-{len(self.model.sessions)}-{next(self.model.clock)}"
        assert self.hub.trusted.post(f"{self.path(who)}/sessions", {"value": value}).status == 201
        self.model.sessions[value] = who

    @rule(survivor=NUMBERS, other=NUMBERS)
    def merge(self, survivor: int, other: int) -> None:
        one, two = self.ids[survivor], self.ids[other]
        answer = self.hub.admin.post(f"{self.path(one)}/merge", {"customers": [two]})
        if one not in self.model.people:
            assert answer.status == 404
            return
        if two not in self.model.people or one == two:
            assert answer.status == 400
            return
        assert answer.status == 200, answer.content
        self.model.merge(one, two)
        self.model.merges[-1]["id"] = answer["id"]

    @rule(place=st.integers(0, 9))
    def undo(self, place: int) -> None:
        if not self.model.merges:
            return
        merge = self.model.merges[place % len(self.model.merges)]
        answer = self.hub.admin.post(f"{self.hub.path}/merges/{merge['id']}/undo")
        if merge["survivor"] not in self.model.people:
            assert answer.status == 409, answer.content
            return
        assert answer.status == 200, answer.content
        self.model.undo(merge)

    @rule(number=NUMBERS)
    def delete_and_restore(self, number: int) -> None:
        who = self.ids[number]
        there = who in self.model.people
        assert self.hub.admin.delete(self.path(who)).status == (200 if there else 404)
        if there:
            assert self.hub.admin.post(f"{self.path(who)}/restore").status == 200

    @rule(number=NUMBERS)
    def forget(self, number: int) -> None:
        who = self.ids[number]
        path = f"{self.hub.path}/data-protection/customers/{who}"
        there = who in self.model.people
        assert self.hub.clients["DPO"].delete(path).status == (204 if there else 404)
        if there:
            self.model.forget(who)

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        model = self.model
        for who in self.ids:
            answer = self.hub.admin.get(self.path(who))
            if who not in model.people:
                assert answer.status == 404
                current = model.current(who)
                reported = {"mergedInto": current} if current != who else None
                assert answer["data"] == reported
                continue
            person, base = model.people[who], answer["base"]
            values = {name: base[name] for name in NAMES if base[name] is not None}
            values |= {"email": base["contacts"]["email"], "externalId": answer["externalId"]}
            assert values == person.values
            assert answer["tags"]["manual"] == person.tags
            consents = answer["consents"].get("marketing", {}).get("automatic", {}).get("sms", {})
            assert consents == person.consent
        owners = Event.objects.filter(node=self.hub.node).values_list("id", "customer_id")
        ours = {str(event): str(owner) for event, owner in owners if str(owner) in self.ids}
        assert ours == model.events
        linked = Session.objects.filter(customer_id__in=self.ids)
        assert {each.value: str(each.customer_id) for each in linked} == model.sessions

    def teardown(self) -> None:
        """When everybody is forgotten, nothing is left of merges in force."""
        for who in list(self.model.people) if hasattr(self, "model") else ():
            self.forget(self.ids.index(who))
            self.model.people.pop(who, None)
        if hasattr(self, "model"):
            assert not RecordMerge.objects.filter(undone_at=None).exists()
            assert not MergedCustomer.objects.filter(is_undone=False).exists()
            assert not FormerIdentity.objects.exists()
            assert not MergedEvent.objects.exists()


@pytest.mark.timeout(200)
def test_any_history_of_merges_is_as_the_model_says(hub: Hub) -> None:
    machine = type("Machine", (Merging,), {"hub": hub})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=8, stateful_step_count=20, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
