"""Every consumer sees every committed change once, however the writers' transactions interleave."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.actions.feed import seal
from customers.models import Change
from tests.client import ApiClient
from tests.factories import Hub
from tests.processes import run_in_processes

WRITERS, CONSUMERS = 4, 2
INSERT = """
INSERT INTO customers_change (workspace_id, node_id, entity, entity_id, operation, changed_at)
VALUES (%s, %s, 'CUSTOMER', %s, 'UPDATE', now()) RETURNING id
"""
READ = """
SELECT id, feed_offset FROM customers_change
WHERE workspace_id = %s AND feed_offset > %s ORDER BY feed_offset LIMIT %s
"""
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, WRITERS - 1)),
        st.tuples(st.just("commit"), st.integers(0, WRITERS - 1)),
        st.tuples(st.just("rollback"), st.integers(0, WRITERS - 1)),
        st.tuples(st.just("poll"), st.integers(0, CONSUMERS - 1)),
    ),
    min_size=4,
    max_size=24,
)


class Schedule:
    """Transactions and polls, one step after the other on connections of their own."""

    def __init__(self, writers: list[Any]) -> None:
        self.workspace, self.node = uuid.uuid4(), uuid.uuid4()
        self.writers = writers
        self.open: dict[int, list[int]] = {}
        self.committed: list[int] = []
        self.seen: list[list[int]] = [[] for _ in range(CONSUMERS)]
        self.offsets = [0] * CONSUMERS

    def step(self, act: str, who: int) -> None:
        if act == "write":
            row = self.writers[who].execute(INSERT, (self.workspace, self.node, uuid.uuid4()))
            self.open.setdefault(who, []).append(row.fetchone()[0])
        elif act == "poll":
            self.poll(who, size=3)
        else:
            written = self.open.pop(who, [])
            if act == "commit":
                self.writers[who].commit()
                self.committed += written
            else:
                self.writers[who].rollback()

    def poll(self, who: int, *, size: int) -> int:
        seal(self.workspace)
        with connection.cursor() as cursor:
            cursor.execute(READ, [self.workspace, self.offsets[who], size])
            rows = cursor.fetchall()
        self.seen[who] += [change for change, _ in rows]
        if rows:
            self.offsets[who] = rows[-1][1]
        return len(rows)

    def finish(self) -> None:
        for who in list(self.open):
            self.step("commit", who)
        for who in range(CONSUMERS):
            while self.poll(who, size=3):
                pass


REACHED = ("dbname", "host", "port", "user", "password")


def test_thousands_of_schedules(live_hub: Hub) -> None:
    parameters = connection.get_connection_params()
    expected = {name: parameters[name] for name in REACHED if name in parameters}
    writers = [psycopg.connect(**expected) for _ in range(WRITERS)]

    @settings(max_examples=2000, database=None)
    @given(STEPS)
    def run(steps: list[tuple[str, int]]) -> None:
        schedule = Schedule(writers)
        for act, who in steps:
            schedule.step(act, who)
        schedule.finish()
        for seen in schedule.seen:
            assert Counter(seen) == Counter(schedule.committed)
        assert schedule.seen[0] == schedule.seen[1]

    try:
        run()
    finally:
        for writer in writers:
            writer.close()


def write(*, number: int, token: str, path: str, node: str, over: str) -> Any:
    """A writer's part: customers, changes of them, events, refused ones that are rolled back."""
    chance = random.Random(number)
    client = ApiClient(token)
    mine: list[str] = []
    for step in range(50):
        act = chance.randrange(4)
        if act == 0 or not mine:
            body = {"nodeId": node, "base": {"contacts": {"email": f"{number}-{step}@x.it"}}}
            mine.append(client.post(f"{path}/customers", body)["id"])
        elif act == 1:
            client.patch(f"{path}/customers/{chance.choice(mine)}", {"extra": f"{step}"})
        elif act == 2:
            event = {"type": "loggedIn", "context": "WEB", "properties": {}}
            bring_back = {"value": f"{number}{step % 5}", "nodeId": node}
            client.post(f"{path}/events", event | {"bringBackProperties": bring_back})
        else:
            value = {"value": f"{number}{chance.randrange(5)}"}
            client.post(f"{path}/customers/{chance.choice(mine)}/sessions", value)
    (Path(over) / str(number)).touch()
    return []


def consume(*, number: int, token: str, path: str, node: str, over: str) -> Any:
    """A consumer's part: what it has seen, in its order."""
    client = ApiClient(token)
    seen: list[int] = []
    offset = 0
    while True:
        is_last = len(list(Path(over).iterdir())) == WRITERS  # what they wrote is there
        answer = client.get(f"{path}/updates", query={"offset": offset, "size": 7 + number})
        offset = answer["nextOffset"]
        seen += [each["offset"] for each in answer["updates"]]
        if is_last and not answer["updates"]:
            return seen


def work(*, role: str, **given: Any) -> Any:
    return write(**given) if role == "write" else consume(**given)


@pytest.mark.timeout(200)
def test_consumers_beside_writers(live_hub: Hub, tmp_path: Path) -> None:
    hub = live_hub
    shared = {"path": hub.path, "node": str(hub.node.id), "token": hub.trusted.token}
    roles = ["write"] * WRITERS + ["consume"] * 3
    arguments = [
        shared | {"role": role, "number": number, "over": str(tmp_path)}
        for number, role in enumerate(roles)
    ]
    seen = run_in_processes("tests.customers.test_feed_order:work", arguments)[WRITERS:]
    seal(hub.workspace.id)
    offsets = list(Change.objects.order_by("feed_offset").values_list("feed_offset", flat=True))
    assert offsets == list(range(1, len(offsets) + 1))
    for each in seen:
        assert each == offsets
    # Each entity's changes keep their order.
    last: dict[Any, int] = {}
    for change in Change.objects.order_by("feed_offset"):
        assert last.get(change.entity_id, 0) < change.id
        last[change.entity_id] = change.id
