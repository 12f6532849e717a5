"""What writes do to the customers of one entry node, by the simplest means and the reference alone.

A customer is a flat dictionary of dotted paths, and its subscriptions a dictionary by id. Nothing
of the product is used here, so that the two can only agree by being right. Bodies are valid ones of
the properties that `BODIES` draws.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

EMAIL = "base.contacts.email"
SUBSCRIPTIONS = "base.subscriptions"
# Lists whose elements are recognised by their id; those of the others by what they are.
BY_ID = {"base.jobs", "base.educations", "base.likes"}
GENERATED = ("registeredAt", "updatedAt")

Flat = dict[str, Any]


@dataclass
class Person:
    """A live customer: its values by dotted path, its subscriptions, and how it came to them.

    `written` is the number of the write that changed it last, in its node; `log` its consent log.
    """

    values: Flat = field(default_factory=dict)
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: int = 0
    written: int = 0
    log: list[tuple[str, str, Any]] = field(default_factory=list)

    def copy(self) -> Person:
        subscriptions = {name: dict(each) for name, each in self.subscriptions.items()}
        return Person(dict(self.values), subscriptions, self.version, self.written, list(self.log))

    def says_as(self, other: Person) -> bool:
        return (self.values, self.subscriptions) == (other.values, other.subscriptions)


class Refused(Exception):
    """The write is refused with this status and changes nothing."""

    def __init__(self, status: int) -> None:
        self.status = status


class NaiveNode:
    """An entry node that recognises people by e-mail address; people are told apart by number."""

    def __init__(self) -> None:
        self.people: dict[int, Person] = {}
        self.ever = 0
        self.writes = 0

    def post(self, body: Any) -> tuple[int, int]:
        """The status and the number of the customer after a POST."""
        email = flattened(body).get(EMAIL)
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
        if flattened(body).get(EMAIL) is None:
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
        if after.says_as(before) and before.version:
            return
        email = after.values.get(EMAIL)
        if email is None or any("subscribed" not in each for each in after.subscriptions.values()):
            raise Refused(400)
        if self.known_by(email) not in {None, number}:
            raise Refused(409)
        self.writes += 1
        after.version, after.written = before.version + 1, self.writes
        after.log = before.log + consent_lines(before.values, after.values)
        self.people[number] = after


def applied(before: Person, body: Any, way: str) -> Person:
    """The person after a body: lists `append`, `replace` what is there, or are final (`strict`)."""
    after = before.copy()
    for path, value in flattened(body).items():
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
    for sent in given:
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


def flattened(body: Any, at: str = "") -> Flat:
    """The values of a body by dotted path; an object that says nothing is absent."""
    if not isinstance(body, dict):
        return {at: body}
    flat: Flat = {}
    for name, value in body.items():
        flat |= flattened(value, f"{at}.{name}" if at else name)
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
    def folded(text: str) -> str:
        return unicodedata.normalize("NFC", text.strip().casefold())

    return folded(one) == folded(other)


def told(answer: dict[str, Any]) -> tuple[Flat, dict[str, dict[str, Any]]]:
    """The values and the subscriptions of a customer as the API answers it, to compare."""
    sections = ("externalId", "base", "consents", "extended", "extra", "tags", "enabled")
    flat = flattened({name: answer[name] for name in sections})
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
