"""Sets of events do what the same writes do one by one, in a model that shares no code with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration.models import NodeState
from contacthub_project.core.identifiers import new_id
from customers.models import Change
from events.actions.writes import WRITE, EventChange, EventWrite, set_parameters, write_events
from events.domain.draft import Content
from events.models import Event
from tests.factories import Hub

REACHED = ("dbname", "host", "port", "user", "password")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CUSTOMERS = 3  # the last one is disabled


def content(external_id: str | None = None, page: str = "x", type: str = "viewedPage") -> Content:
    return Content(
        type=type,
        context="WEB",
        properties={"title": page},
        context_info={},
        tracking=None,
        date=NOW,
        external_id=external_id,
    )


@dataclass
class NaiveEvents:
    """Events by id, as a list of writes leaves them: the customer, external id, page, version."""

    people: list[UUID]
    events: dict[UUID, list[Any]] = field(default_factory=dict)

    def holder(self, external_id: str | None) -> UUID | None:
        found = (id for id, event in self.events.items() if event[1] == external_id)
        return None if external_id is None else next(found, None)

    def create(self, id: UUID, person: int, external_id: str | None, page: str) -> str:
        if person == CUSTOMERS - 1:
            return "STALE"
        if self.holder(external_id) is not None:
            return "EXISTS"
        self.events[id] = [self.people[person], external_id, page, 1]
        return "WRITTEN"

    def change(self, id: UUID, external_id: str | None, page: str, version: int) -> str:
        event = self.events.get(id)
        if event is None or event[3] != version:
            return "STALE"
        if self.holder(external_id) not in {None, id}:
            return "EXISTS"
        self.events[id] = [event[0], external_id, page, version + 1]
        return "WRITTEN"

    def delete(self, id: UUID, version: int) -> str:
        event = self.events.get(id)
        if event is None or event[3] != version:
            return "STALE"
        del self.events[id]
        return "WRITTEN"


CREATES = st.lists(
    st.tuples(
        st.integers(0, CUSTOMERS - 1), st.sampled_from([None, "a", "b", "c"]), st.sampled_from("xy")
    ),
    max_size=5,
)
# Of the events there are so far: one of them, what becomes of it, and whether it is known as it is.
CHANGES = st.dictionaries(
    st.integers(0, 5),
    st.tuples(
        st.sampled_from(["d", "e", None]), st.sampled_from("xy"), st.booleans(), st.booleans()
    ),
    max_size=3,
)


@settings(max_examples=60)
@given(st.lists(st.tuples(CREATES, CHANGES), min_size=1, max_size=4))
def test_sets_do_what_the_naive_model_says(hub: Hub, sets: list[Any]) -> None:
    with transaction.atomic():
        people = [UUID(hub.post_customer()["id"]) for _ in range(CUSTOMERS)]
        path = f"{hub.path}/customers/{people[-1]}"
        assert hub.trusted.patch(path, {"enabled": False}).status == 200
        model, known = NaiveEvents(people), [new_id()]
        for creates, changes in sets:
            writes: list[Any] = []
            expected = []
            given_ids: set[str] = set()
            for number, (external_id, page, goes, is_known) in changes.items():
                id = known[number % len(known)]
                if any(write.id == id for write in writes) or external_id in given_ids:
                    continue  # each event once, and each external id
                version = model.events.get(id, [None, None, None, 1])[3] + (not is_known)
                if goes:
                    writes.append(EventChange(id=id, content=None, version=version))
                    expected.append(("delete", id, version))
                    continue
                given_ids |= {external_id} - {None}
                sent = content(external_id, page)
                writes.append(EventChange(id=id, content=sent, version=version))
                expected.append(("change", id, external_id, page, version))
            # A set removes events before it changes others, and these before it adds some.
            answers = {
                step[1]: getattr(model, step[0])(*step[1:])
                for step in sorted(expected, key=lambda step: step[0] == "change")
            }
            for person, external_id, page in sorted(creates, key=lambda each: each[1] or ""):
                write = EventWrite(
                    id=new_id(),
                    content=content(external_id, page),
                    registered_by="1",
                    customer_id=people[person],
                )
                writes.append(write)
                answers[write.id] = model.create(write.id, person, external_id, page)
                known.append(write.id)
            reported = write_events(hub.workspace.id, writes)
            assert [each.value for each in reported] == [answers[write.id] for write in writes]
            compare(hub, model)
        transaction.set_rollback(True)


def compare(hub: Hub, model: NaiveEvents) -> None:
    stored = Event.objects.in_workspace(hub.workspace.id)
    assert {
        each.id: [each.customer_id, each.external_id, each.properties["title"], each.version]
        for each in stored
    } == model.events
    for event in stored:
        assert Change.objects.filter(entity_id=event.id).count() == event.version
    gone = Change.objects.filter(workspace_id=hub.workspace.id, entity="EVENT", operation="DELETE")
    assert not set(gone.values_list("entity_id", flat=True)) & model.events.keys()


@pytest.mark.parametrize("wrong", ["locked", "of others", "not permitted", "version"])
def test_a_refused_row_hinders_no_other(hub: Hub, wrong: str) -> None:
    customer = UUID(hub.post_customer()["id"])
    other = UUID(hub.post_customer(nodeId=str(hub.other_node.id))["id"])
    values: dict[str, Any] = {}
    if wrong == "locked":
        hub.node.state = NodeState.LOCKED
        hub.node.save()
    elif wrong == "of others":
        customer = UUID(Hub().post_customer()["id"])
    elif wrong == "not permitted":
        values["nodes"] = [hub.other_node.id]
    else:
        values["customer_version"] = 7
    writes = [
        EventWrite(
            id=uuid4(), content=content(), registered_by="1", customer_id=customer, **values
        ),
        EventWrite(id=uuid4(), content=content(), registered_by="1", customer_id=other),
    ]
    reported = write_events(hub.workspace.id, writes)
    refusal = "NOT_OPEN" if wrong == "locked" else "STALE"
    assert [each.value for each in reported] == [refusal, "WRITTEN"]
    assert list(Event.objects.values_list("id", flat=True)) == [writes[1].id]
    change = EventChange(id=writes[1].id, content=content(page="new"), version=2)
    assert [each.value for each in write_events(hub.workspace.id, [change])] == ["STALE"]


def test_who_is_about_to_go_is_waited_for_only_if_that_may_be(live_hub: Hub) -> None:
    hub = live_hub
    going, staying = (UUID(hub.post_customer()["id"]) for _ in range(2))
    writes = [
        EventWrite(id=uuid4(), content=content(), registered_by="1", customer_id=customer)
        for customer in (going, staying)
    ]
    parameters = connection.get_connection_params()
    needed = {name: parameters[name] for name in REACHED if name in parameters}
    with psycopg.connect(**needed) as other:
        other.execute("SELECT FROM customers_customer WHERE id = %s FOR UPDATE", [going])
        with connection.cursor() as cursor:
            cursor.execute(WRITE, set_parameters(hub.workspace.id, writes, may_wait=False))
            found = dict(row[:2][::-1] for row in reversed(cursor.fetchall()))
    assert [found[write.id] for write in writes] == ["STALE", "WRITTEN"]
