"""What writes do to the customers of an entry node, by the simplest means and the reference alone;
and what an aggregate node makes of the customers of several.

A customer is a flat dictionary of dotted paths, and its subscriptions a dictionary by id. Nothing
of the product is used here, so that the two can only agree by being right. Bodies are valid ones of
the properties that `BODIES` draws.
"""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

EMAIL = "base.contacts.email"
SUBSCRIPTIONS = "base.subscriptions"
# Lists whose elements are recognised by their id; those of the others by what they are.
BY_ID = {"base.jobs", "base.educations", "base.likes"}
GENERATED = ("registeredAt", "updatedAt")
LOWEST = 1000  # the place of sources that an order does not name

Flat = dict[str, Any]


@dataclass
class Person:
    """A live customer: its values by dotted path, its subscriptions, and how it came to them.

    Moments are numbers of writes: when it was `registered`, when it was `written` last (and `by`
    whom), when each subscription was registered and changed last (`dated`), and each leaf of the
    consents was set or removed last (`said`). `log` is its consent log.
    """

    values: Flat = field(default_factory=dict)
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: int = 0
    registered: int = 0
    written: int = 0
    by: str = ""
    log: list[tuple[str, str, Any]] = field(default_factory=list)
    dated: dict[str, tuple[int, int]] = field(default_factory=dict)
    consent_dates: dict[str, int] = field(default_factory=dict)

    def copy(self) -> Person:
        return copy.deepcopy(self)

    def equals(self, other: Person) -> bool:
        return (self.values, self.subscriptions) == (other.values, other.subscriptions)


class Refused(Exception):
    """The write is refused with this status and changes nothing."""

    def __init__(self, status: int) -> None:
        self.status = status


class Clock:
    """Numbers the writes of all nodes that share it."""

    def __init__(self) -> None:
        self.now = 0

    def tick(self) -> int:
        self.now += 1
        return self.now


class NaiveNode:
    """An entry node that recognises people by e-mail address; people are told apart by number.

    `author` is the source that writes.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.people: dict[int, Person] = {}
        self.ever = 0
        self.clock = clock or Clock()
        self.author = ""

    def post(self, body: Any) -> tuple[int, int]:
        """The status and the number of the customer after a POST."""
        email = leaves_of(body).get(EMAIL)
        if email is None:
            raise Refused(400)
        number = self.known_by(email)
        if number is not None:
            self._write(number, applied(self.people[number], body, "append"))
            return 200, number
        self.ever += 1
        self.people[self.ever] = Person()
        try:
            self._write(self.ever, applied(Person(), body, "append"))
        except Refused:
            del self.people[self.ever]
            raise
        return 201, self.ever

    def patch(self, number: int, body: Any, *, strict: bool) -> int:
        before = self._person(number)
        self._write(number, applied(before, body, "strict" if strict else "replace"))
        return 200

    def put(self, number: int, body: Any, *, strict: bool) -> int:
        before = self._person(number)
        if leaves_of(body).get(EMAIL) is None:
            raise Refused(400)
        if strict:
            self._write(number, applied(Person(), body, "strict"))
        else:
            self._write(number, applied(before, body, "replace"))
        return 200

    def delete(self, number: int) -> int:
        self._person(number)
        del self.people[number]
        return 200

    def add_subscription(self, number: int, body: dict[str, Any]) -> int:
        known = self._person(number).subscriptions
        if "subscribed" not in body:
            raise Refused(400)
        if unicodedata.normalize("NFC", body["id"]) in known:
            raise Refused(409)
        return self._subscribe(number, body, 201)

    def change_subscription(self, number: int, name: str, body: dict[str, Any]) -> int:
        if name not in self._person(number).subscriptions:
            raise Refused(404)
        return self._subscribe(number, {**body, "id": name}, 200)

    def remove_subscription(self, number: int, name: str) -> int:
        after = self._person(number).copy()
        if after.subscriptions.pop(name, None) is None:
            raise Refused(404)
        self._write(number, after)
        return 204

    def known_by(self, email: str) -> int | None:
        """The number of whoever has the address, in any case and form."""
        for number, person in self.people.items():
            if person.values.get(EMAIL) and same_text(person.values[EMAIL], email):
                return number
        return None

    def _subscribe(self, number: int, body: dict[str, Any], status: int) -> int:
        after = applied(self._person(number), {"base": {"subscriptions": [body]}}, "replace")
        self._write(number, after)
        return status

    def _person(self, number: int) -> Person:
        if number not in self.people:
            raise Refused(404)
        return self.people[number]

    def _write(self, number: int, after: Person) -> None:
        before = self.people[number]
        if after.equals(before) and before.version:
            return
        email = after.values.get(EMAIL)
        if email is None or any("subscribed" not in each for each in after.subscriptions.values()):
            raise Refused(400)
        if self.known_by(email) not in {None, number}:
            raise Refused(409)
        now = self.clock.tick()
        after.version, after.registered = before.version + 1, before.registered or now
        after.written, after.by = now, self.author
        lines = consent_lines(before.values, after.values)
        after.log = before.log + lines
        after.consent_dates = before.consent_dates | {path: now for _, path, _ in lines}
        after.dated = {
            name: before.dated[name]
            if before.subscriptions.get(name) == each
            else (before.dated.get(name, (now, now))[0], now)
            for name, each in after.subscriptions.items()
        }
        self.people[number] = after


@dataclass
class Aggregate:
    """An aggregate customer: its members by node and number, what they say, and its version.

    Of each subscription `dated` are the moments that it shows, and `registered` is the customer's.
    """

    members: set[tuple[str, int]]
    values: Flat
    subscriptions: dict[str, dict[str, Any]]
    dated: dict[str, tuple[int, int]]
    registered: int
    version: int = 1

    def equals(self, other: Aggregate) -> bool:
        return (self.values, self.subscriptions, self.dated, self.registered) == (
            other.values, other.subscriptions, other.dated, other.registered,
        )  # fmt: skip


class NaiveAggregate:
    """An aggregate node of entry nodes, which recognises people by e-mail address in any case.

    `priorities` are the sources of each entry node, the highest first. Customers whose `extra` is
    `hidden` are left out. Numbers `points` are added up, lists `colours` united.
    """

    def __init__(
        self, nodes: dict[str, NaiveNode], priorities: dict[str, list[str]], hidden: str
    ) -> None:
        self.nodes = nodes
        self.priorities = priorities
        self.hidden = hidden
        self.people: dict[str, Aggregate] = {}

    def merge_aggregates(self) -> None:
        """Make the aggregate customers what their members say now."""
        groups: dict[str, list[tuple[str, int, Person]]] = {}
        for name, node in self.nodes.items():
            for number, person in node.people.items():
                if person.values.get("extra") != self.hidden:
                    key = folded(person.values[EMAIL])
                    groups.setdefault(key, []).append((name, number, person))
        people = {}
        for key, group in groups.items():
            group.sort(key=lambda each: (self._rank(each[0], each[2]), -each[2].written))
            after = self._merged(group)
            before = self.people.get(key)
            if before is not None:
                after.version = before.version + (not after.equals(before))
            people[key] = after
        self.people = people

    def _rank(self, node: str, person: Person) -> int:
        order = self.priorities[node]
        return order.index(person.by) if person.by in order else LOWEST

    def _merged(self, group: Sequence[tuple[str, int, Person]]) -> Aggregate:
        people = [person for _, _, person in group]
        subscriptions, dated = {}, {}
        for name in {name for person in people for name in person.subscriptions}:
            holders = [person for person in people if name in person.subscriptions]
            newest = max(holders, key=lambda person: person.dated[name][1])
            subscriptions[name], dated[name] = newest.subscriptions[name], newest.dated[name]
        return Aggregate(
            members={(node, number) for node, number, _ in group},
            values=self._values(people),
            subscriptions=subscriptions,
            dated=dated,
            registered=min(person.registered for person in people),
        )

    def _values(self, people: Sequence[Person]) -> Flat:
        values: Flat = {}
        for path in {path for person in people for path in person.values}:
            given = [person.values[path] for person in people if path in person.values]
            if path.startswith("tags.") or path == "extended.colours":
                values[path] = list(dict.fromkeys(each for tags in given for each in tags))
            elif path == "extended.points":
                values[path] = sum(given)
            elif not path.startswith("consents."):
                values[path] = given[0]
        for path in {path for person in people for path in person.consent_dates}:
            speakers = [person for person in people if path in person.consent_dates]
            last = max(speakers, key=lambda person: person.consent_dates[path])
            if path in last.values:
                values[path] = last.values[path]
        return values


def applied(before: Person, body: Any, way: str) -> Person:
    """The person after a body: lists `append`, `replace` what is there, or are final (`strict`)."""
    after = before.copy()
    for path, value in leaves_of(composed(body)).items():
        if path == SUBSCRIPTIONS or (value is None and SUBSCRIPTIONS.startswith(f"{path}.")):
            subscribe(after, value or [], way)
        if path == SUBSCRIPTIONS or (path == "enabled" and value is None):
            continue
        if value is None:
            for known in list(after.values):
                if known == path or known.startswith(f"{path}."):
                    del after.values[known]
        elif isinstance(value, list):
            known = after.values.get(path, []) if way == "append" else []
            after.values[path] = united(path, known, value)
            if not after.values[path]:
                del after.values[path]
        else:
            text = isinstance(value, str) and path == "externalId"
            after.values[path] = unicodedata.normalize("NFC", value).strip() if text else value
    after.values.setdefault("enabled", True)
    return after


def subscribe(person: Person, given: list[dict[str, Any]], way: str) -> None:
    if way == "strict":
        person.subscriptions = {}
    for sent in composed(given):
        name = unicodedata.normalize("NFC", sent["id"])
        known = person.subscriptions.setdefault(name, {"id": name})
        for key, value in sent.items():
            if key == "id" or key in GENERATED:
                continue
            if value is None or value == []:
                known.pop(key, None)
            else:
                known[key] = united(key, [], value) if isinstance(value, list) else value


def united(path: str, known: list[Any], given: list[Any]) -> list[Any]:
    """`known` and what is new in `given`."""
    result = list(known)
    for element in given:
        if isinstance(element, dict):
            element = {key: value for key, value in element.items() if value is not None}
        if path in BY_ID:
            places = [index for index, each in enumerate(result) if each["id"] == element["id"]]
        else:
            places = [index for index, each in enumerate(result) if each == element]
        if places:
            result[places[0]] = element
        else:
            result.append(element)
    return result


def composed(value: Any) -> Any:
    """Text is kept in normal form C."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [composed(each) for each in value]
    if isinstance(value, dict):
        return {name: composed(each) for name, each in value.items()}
    return value


def leaves_of(body: Any, at: str = "") -> Flat:
    """The values of a body by dotted path; an object that says nothing is absent."""
    if not isinstance(body, dict):
        return {at: body}
    flat: Flat = {}
    for name, value in body.items():
        flat |= leaves_of(value, f"{at}.{name}" if at else name)
    return flat


def consent_lines(before: Flat, after: Flat) -> list[tuple[str, str, Any]]:
    """The lines that a change adds to the log: type, path and new value."""
    kinds = {
        "status": "CONSENT_CHANGED",
        "limitation": "CONSENT_RESTRICTED",
        "objection": "CONSENT_OBJECTED",
    }
    lines = []
    for path in sorted(name for name in before.keys() | after.keys() if name[:9] == "consents."):
        old, new = before.get(path), after.get(path)
        if old is not new and old != new:
            kind = kinds.get(path.rpartition(".")[2], "DISCLAIMER_READ")
            text = {True: "true", False: "false"}.get(new, new)
            lines.append((kind, path, text))
    return lines


def same_text(one: str, other: str) -> bool:
    return folded(one) == folded(other)


def folded(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip().casefold())


def reported(answer: dict[str, Any]) -> tuple[Flat, dict[str, dict[str, Any]]]:
    """The values and the subscriptions of a customer as the API answers it, to compare."""
    sections = ("externalId", "base", "consents", "extended", "extra", "tags", "enabled")
    flat = leaves_of({name: answer[name] for name in sections})
    subscriptions = {
        each["id"]: {
            key: value
            for key, value in each.items()
            if key not in GENERATED and value is not None and value != []
        }
        for each in flat.pop(SUBSCRIPTIONS, None) or []
    }
    values = {
        path: [_without_nulls(each) for each in value] if isinstance(value, list) else value
        for path, value in flat.items()
        if value is not None and value != []
    }
    return values, subscriptions


def _without_nulls(element: Any) -> Any:
    if not isinstance(element, dict):
        return element
    return {name: value for name, value in element.items() if value is not None}


# Bodies. Few values, so that they meet again.

TEXTS = st.sampled_from(["a", "B", "é", "e\u0301", None])
EMAILS = st.sampled_from(["one@example.com", "One@Example.COM", "two@example.com"])
NAMES = st.sampled_from(["news", "sms", "Novità", "Novita\u0300"])
FLAGS = st.sampled_from([True, False])
MAYBE = st.sampled_from([True, False, None])
PREFERENCES = st.lists(
    st.fixed_dictionaries({"key": st.just("k"), "value": st.sampled_from(["1", "2"])}), max_size=2
)


def optional(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


SUBSCRIPTION = st.fixed_dictionaries(
    {"id": NAMES},
    optional={"subscribed": FLAGS, "name": TEXTS, "preferences": st.none() | PREFERENCES},
)
CONSENT = st.none() | optional(status=MAYBE, limitation=MAYBE, objection=MAYBE)
CONSENTS = st.none() | optional(
    disclaimer=st.none() | optional(version=TEXTS),
    marketing=st.none() | optional(automatic=st.none() | optional(sms=CONSENT, email=CONSENT)),
    profiling=st.none() | optional(online=CONSENT),
)
TAGS = st.none() | st.lists(st.sampled_from(["x", "y", "z"]), max_size=3)
OTHER_CONTACTS = st.lists(optional(name=TEXTS, value=TEXTS), max_size=2).map(
    lambda given: [each for each in given if any(each.values())]
)
JOBS = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from(["1", "2"])}, optional={"jobTitle": TEXTS}),
    max_size=2,
)
BASE = optional(
    firstName=TEXTS,
    jobs=st.none() | JOBS,
    subscriptions=st.none() | st.lists(SUBSCRIPTION, max_size=2),
    contacts=st.none()
    | optional(email=st.none() | EMAILS, phone=TEXTS, otherContacts=st.none() | OTHER_CONTACTS),
)
EXTERNAL_IDS = st.sampled_from(["7", " 7 ", "cafe\u0301", None])
BODIES = optional(
    externalId=EXTERNAL_IDS,
    base=st.none() | BASE,
    consents=CONSENTS,
    tags=st.none() | optional(auto=TAGS, manual=TAGS),
    extra=TEXTS,
    enabled=MAYBE,
)
# Bodies that say whom they speak of.
FULL_BODIES = st.builds(
    lambda body, base, contacts, email: (
        body | {"base": (base or {}) | {"contacts": (contacts or {}) | {"email": email}}}
    ),
    BODIES,
    BASE,
    optional(phone=TEXTS, otherContacts=OTHER_CONTACTS),
    EMAILS,
)
