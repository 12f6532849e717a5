"""Transactions that take their locks in opposite orders are repeated, not refused."""

from __future__ import annotations

import time
from collections import Counter
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, LockNotAvailable

from contacthub_project.db.deadlocks import ATTEMPTS, repeated_on_deadlock
from customers.actions.identity_locks import HOLD, LOCK_CLASS, slots_of
from customers.domain.identities import EXTERNAL_ID, SESSION_ID
from customers.models import Customer, Session
from tests.client import ApiClient
from tests.factories import Hub
from tests.processes import run_in_processes

STEPS = 6


def crossing_identities(node_id: UUID) -> list[tuple[str, str]]:
    """Return two pairs of a session and an external id: each session has the other's id's lock."""
    ids = {slots_of([(node_id, EXTERNAL_ID, f"E-{each}")])[0]: f"E-{each}" for each in range(4000)}
    sessions = {
        slots_of([(node_id, SESSION_ID, f"S-{each}")])[0]: f"S-{each}" for each in range(4000)
    }
    one, other = sorted(ids.keys() & sessions.keys())[:2]
    return [(sessions[one], ids[other]), (sessions[other], ids[one])]


def work(*, token: str, path: str, node: str, session: str, external_id: str) -> dict[str, int]:
    """Set the external id anew in each of many POSTs that link a session."""
    client = ApiClient(token)
    statuses: Counter[int] = Counter()
    for step in range(STEPS):
        body = {"nodeId": node, "externalId": (external_id if step % 2 else external_id.lower())}
        base = {"contacts": {"email": f"{external_id}@x.it".lower()}}
        answer = client.post(
            f"{path}/customers", body | {"base": base}, query={"sessionId": session}
        )
        statuses[answer.status] += 1
    return {str(status): count for status, count in statuses.items()}


@pytest.mark.timeout(120)
def test_a_storm_of_locks_taken_crosswise(live_hub: Hub) -> None:
    hub = live_hub
    common = {"token": hub.trusted.token, "path": hub.path, "node": str(hub.node.id)}
    arguments = 2 * [
        common | {"session": session, "external_id": external_id}
        for session, external_id in crossing_identities(hub.node.id)
    ]
    results = run_in_processes("tests.customers.test_deadlocks:work", arguments)
    statuses = sum((Counter(result) for result in results), Counter())
    assert statuses == {"201": 2, "200": len(arguments) * STEPS - 2}
    assert Customer.objects.count() == Session.objects.count() == 2


@pytest.mark.timeout(60)
def test_a_write_that_ends_in_a_deadlock_is_repeated(live_hub: Hub) -> None:
    hub = live_hub
    (session, external_id), _ = crossing_identities(hub.node.id)
    of_session = slots_of([(hub.node.id, SESSION_ID, session)])
    of_id = slots_of([(hub.node.id, EXTERNAL_ID, external_id)])
    posted: list[Any] = []

    def post() -> None:
        base = {"contacts": {"email": "ada@x.it"}}
        body = {"nodeId": str(hub.node.id), "externalId": external_id, "base": base}
        client = ApiClient(hub.trusted.token)
        posted.append(client.post(f"{hub.path}/customers", body, query={"sessionId": session}))
        connection.close()

    before = deadlocks()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL deadlock_timeout = '30s'")  # the other one is to notice
        cursor.execute(HOLD, [LOCK_CLASS, of_id])
        thread = Thread(target=post)
        thread.start()
        while not waiting_for_locks():
            time.sleep(0.01)
        cursor.execute(HOLD, [LOCK_CLASS, of_session])
    thread.join()
    assert deadlocks() > before
    assert posted[0].status == 201, posted[0].content
    assert Session.objects.get().value == session


def waiting_for_locks() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("cause", "calls_then"), [(DeadlockDetected(), ATTEMPTS), (LockNotAvailable(), 1)]
)
def test_a_deadlock_is_repeated_up_to_a_bound_and_nothing_else_is(
    cause: Exception, calls_then: int
) -> None:
    calls = 0

    @repeated_on_deadlock
    def function() -> None:
        nonlocal calls
        calls += 1
        raise OperationalError from cause

    with pytest.raises(OperationalError):
        function()
    assert calls == calls_then
