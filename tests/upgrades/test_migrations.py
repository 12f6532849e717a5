"""Migrations on a filled database, with writers at work.

UPGRADE_EVENTS makes the database larger than the tests can wait for; with a million the longest wait of
a writer was the same.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from analytics.actions.recounting import recount
from events.actions.seeding import seed_events
from tests.factories import Hub

EVENTS = int(os.environ.get("UPGRADE_EVENTS", "30000"))
LONGEST_WAIT = 1.0


@pytest.mark.timeout(900)
def test_nobody_waits_for_a_migration(live_hub: Hub) -> None:
    hub = live_hub
    customer = hub.post_customer()["id"]
    for _ in seed_events(hub.node.id, EVENTS):
        pass
    event = {"customerId": customer, "type": "loggedIn", "context": "WEB", "properties": {}}
    waits: list[float] = []
    stopping = threading.Event()

    def write() -> None:
        while not stopping.is_set():
            started = time.monotonic()
            answer = hub.trusted.post(f"{hub.path}/events", event)
            assert answer.status == 202, answer.content
            waits.append(time.monotonic() - started)
        connection.close()

    migrate("analytics", "zero")
    writer = threading.Thread(target=write)
    writer.start()
    try:
        migrate("analytics")
    finally:
        time.sleep(0.3)
        stopping.set()
        writer.join()
    assert len(waits) > 10
    assert max(waits) < LONGEST_WAIT
    # What was there before is counted by the first recount, that of the night.
    assert recount(hub.workspace.id, repair=True)
    assert recount(hub.workspace.id, repair=False) == []
    found = hub.admin.get(f"{hub.path}/events", query={"nodeId": str(hub.node.id)})["page"]
    assert found["totalUnfilteredElements"] == EVENTS + len(waits)


def migrate(*arguments: Any) -> None:
    call_command("migrate", *arguments, interactive=False, verbosity=0)
