"""Members of segments after random histories, against evaluating every segment by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from segments.models import Member, Segment
from tests.factories import Hub
from tests.segments.test_segments import are, did, make, refresh, static, within

ROME = ZoneInfo("Europe/Rome")
NAMES = ["Ada", "Bob", "Carl"]
_people = count(1)


@dataclass
class Person:
    name: str
    born: str | None
    registered: datetime
    events: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    is_deleted: bool = False
    is_listed: bool = False

    def done(self, kind: str, since: datetime | None = None) -> int:
        return sum(
            1 for of, at in self.events.values() if of == kind and (since is None or at >= since)
        )


def days_before(now: datetime, days: int) -> datetime:
    return now.astimezone(ROME) - timedelta(days=days)


def has_birthday_within(person: Person, days: int, now: datetime) -> bool:
    if person.born is None:
        return False
    today = now.astimezone(ROME).date()
    return any(
        f"{today + timedelta(days=each):%m-%d}" == person.born[5:] for each in range(days + 1)
    )


def recent(kind: str, number: int) -> dict[str, Any]:
    having = [{"function": "COUNT", "operator": "GTE", "value": number}]
    return did(kind, timeframe=within("date", "now-30d"), having=having)


def both(*queries: Any) -> dict[str, Any]:
    return {"type": "combined", "name": "c", "conjunction": "INTERSECT", "queries": list(queries)}


def without(first: Any, second: Any) -> dict[str, Any]:
    return {"type": "combined", "name": "c", "conjunction": "EXCEPT", "queries": [first, second]}


class History:
    """A hub with segments of all kinds, and what its customers are and did."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.now = datetime.now(UTC)
        self.people: dict[str, Person] = {}
        self.listed = static(hub)
        listed = {"type": "simple", "segment": self.listed}
        called_ada = make(hub, are("base.firstName", "EQUALS", "Ada"))["id"]
        never = did("searched", having=[{"function": "COUNT", "operator": "EQUALS", "value": 0}])
        self.segments: dict[str, Any] = {
            called_ada: lambda p: p.name == "Ada",
            make(hub, did("searched"))["id"]: lambda p: p.done("searched") > 0,
            make(hub, never)["id"]: lambda p: p.done("searched") == 0,
            make(hub, recent("searched", 2))["id"]: lambda p: self.recent(p, "searched") >= 2,
            make(hub, recent("loggedIn", 1))["id"]: lambda p: self.recent(p, "loggedIn") >= 1,
            make(hub, are("registeredAt", "GTE", "now-3d"))["id"]: self.is_new,
            make(hub, are("base.dob", "BIRTHDAY_WITHIN", 3))["id"]: lambda p: has_birthday_within(
                p, 3, self.now
            ),
            self.listed: lambda p: p.is_listed,
            make(hub, without(listed, {"type": "simple", "segment": called_ada}))["id"]: lambda p: (
                p.is_listed and p.name != "Ada"
            ),
            make(hub, both(are("base.firstName", "IN", ["Ada", "Bob"]), recent("searched", 1)))[
                "id"
            ]: lambda p: p.name in {"Ada", "Bob"} and self.recent(p, "searched") >= 1,
        }

    def recent(self, person: Person, kind: str) -> int:
        return person.done(kind, days_before(self.now, 30))

    def is_new(self, person: Person) -> bool:
        return person.registered >= days_before(self.now, 3)

    def check(self) -> None:
        refresh(self.hub, self.now)
        sizes = dict(Segment.objects.values_list("id", "size"))
        found: dict[str, set[str]] = {each: set() for each in self.segments}
        for segment_id, customer_id in Member.objects.values_list("segment_id", "customer_id"):
            found[str(segment_id)].add(str(customer_id))
        for number, (segment_id, fits) in enumerate(self.segments.items()):
            expected = {
                each
                for each, person in self.people.items()
                if not person.is_deleted and fits(person)
            }
            assert found[segment_id] == expected, number
            assert {str(key): size for key, size in sizes.items()}[segment_id] == len(expected)

    def do(self, step: tuple[Any, ...]) -> None:
        verb, who, what, days = step
        hub, people = self.hub, [each for each, p in self.people.items() if not p.is_deleted]
        gone = [each for each, p in self.people.items() if p.is_deleted]
        path = f"{hub.path}/customers"
        if verb == "time":
            self.now += timedelta(days=days, hours=what)
        elif verb == "create" or not people:
            born = f"1990-{(self.now + timedelta(days=days)).astimezone(ROME):%m-%d}"
            born = "1990-03-01" if born.endswith("02-29") else born
            contacts = {"email": f"history{next(_people)}@example.com"}
            base = {"firstName": NAMES[what], "dob": born, "contacts": contacts}
            made = hub.post_customer(base=base)
            registered = datetime.fromisoformat(made["registeredAt"])
            self.people[made["id"]] = Person(NAMES[what], born, registered)
        elif verb == "restore":
            if gone:
                chosen = gone[who % len(gone)]
                assert hub.admin.post(f"{path}/{chosen}/restore").status == 200
                self.people[chosen].is_deleted = False
        else:
            self.do_to(people[who % len(people)], verb, what, days)

    def do_to(self, chosen: str, verb: str, what: int, days: int) -> None:
        hub, person = self.hub, self.people[chosen]
        path = f"{hub.path}/customers/{chosen}"
        if verb == "rename":
            hub.trusted.patch(path, {"base": {"firstName": NAMES[what]}})
            person.name = NAMES[what]
        elif verb == "event":
            kind = ["searched", "loggedIn", "searched"][what]
            date = datetime.now(UTC).replace(microsecond=0) - timedelta(days=days, minutes=1)
            body = {"type": kind, "context": "WEB", "customerId": chosen, "date": date.isoformat(),
                    "properties": {"keyword": "x"} if kind == "searched" else {}}  # fmt: skip
            made = hub.trusted.post(f"{hub.path}/events", body)
            assert made.status == 202, made.json
            person.events[made["id"]] = (kind, date)
        elif verb == "unevent" and person.events:
            gone = sorted(person.events)[days % len(person.events)]
            assert hub.trusted.delete(f"{hub.path}/events/{gone}").status == 204
            del person.events[gone]
        elif verb == "list":
            person.is_listed = what > 0
            change = {"add" if what else "remove": [chosen]}
            assert (
                hub.admin.post(f"{hub.path}/segments/{self.listed}/members", change).status == 200
            )
        elif verb == "delete":
            hub.trusted.delete(path)
            person.is_deleted = True
        elif verb == "forget":
            protected = f"{hub.path}/data-protection/customers/{chosen}"
            assert hub.clients["DPO"].delete(protected).status in {200, 204}
            del self.people[chosen]


VERBS = [
    "create", "create", "rename", "event", "event", "event", "unevent", "list", "delete",
    "restore", "forget", "time", "time",
]  # fmt: skip
STEPS = st.lists(
    st.tuples(st.sampled_from(VERBS), st.integers(0, 9), st.integers(0, 2), st.integers(0, 40)),
    min_size=3,
    max_size=14,
)


@settings(max_examples=12)
@given(STEPS)
def test_every_segment_at_every_step(db: None, steps: list[tuple[Any, ...]]) -> None:
    history = History(Hub())
    try:
        history.check()
        for step in steps:
            history.do(step)
            history.check()
    finally:
        Segment.objects.all().delete()
        Member.objects.all().delete()
