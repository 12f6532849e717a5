"""Writers, folders and aggregates at once, from several processes: nothing is counted wrong."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from analytics.actions.folding import fold, fold_all
from analytics.actions.recounting import recount
from analytics.models import Delta
from customers.actions.pending_merges import merge_pending
from tests.analytics.naive import counted
from tests.analytics.test_histories import MOMENTS, read
from tests.client import ApiClient
from tests.customers.test_aggregates import activate, make
from tests.factories import Hub
from tests.processes import run_in_processes

STEPS = 70
FINE = {200, 201, 202, 204, 404, 409, 423}


def write(*, number: int, token: str, path: str, nodes: list[str]) -> dict[int, int]:
    """A client: people come, do things and go."""
    chance = random.Random(number)
    client = ApiClient(token)
    statuses: Counter[int] = Counter()
    known, done = [], []
    for _ in range(STEPS):
        act = chance.randrange(12)
        if act < 3 or not known:
            node = chance.choice(nodes)
            base = {"contacts": {"email": f"p{chance.randrange(12)}@x.it"}}
            answer = client.post(f"{path}/customers", {"nodeId": node, "base": base})
            if answer.status in {200, 201}:
                known.append(answer["id"])
        elif act < 8:
            back = {"type": "SESSION_ID", "value": f"s{chance.randrange(9)}", "nodeId": nodes[0]}
            whose = chance.choice(
                [{"customerId": chance.choice(known)}, {"bringBackProperties": back}]
            )
            kind = chance.choice(["viewedPage", "completedOrder"])
            properties = {"amount": {"total": 9.99}} if kind == "completedOrder" else {}
            answer = client.post(
                f"{path}/events",
                whose | {"type": kind, "context": chance.choice(["WEB", "RETAIL"]),
                         "date": chance.choice(MOMENTS), "properties": properties},
            )  # fmt: skip
            if answer.status == 202:
                done.append(answer["id"])
        elif act == 8 and done:
            event = chance.choice(done)
            answer = client.patch(f"{path}/events/{event}", {"date": chance.choice(MOMENTS)})
        elif act == 9 and done:
            answer = client.delete(f"{path}/events/{chance.choice(done)}")
        elif act == 10:
            value = {"value": f"s{chance.randrange(9)}"}
            answer = client.post(f"{path}/customers/{chance.choice(known)}/sessions", value)
        else:
            answer = client.delete(f"{path}/customers/{chance.choice(known)}")
        statuses[answer.status] += 1
    return dict(statuses)


def work(*, workspace: str, what: str, times: int) -> dict[int, int]:
    """A worker: folds, proves, or lets aggregate customers follow."""
    for _ in range(times):
        if what == "fold":
            fold_all(seconds=5)
        elif what == "recount":
            recount(UUID(workspace), repair=True)
        else:
            merge_pending(seconds=5)
    return {}


def part(*, kind: str, **given: Any) -> dict[int, int]:
    return write(**given) if kind == "write" else work(**given)


@pytest.mark.timeout(300)
def test_a_storm(live_hub: Hub) -> None:
    hub = live_hub
    aggregate = make(hub)
    activate(hub, aggregate)
    nodes = [hub.node.id, hub.other_node.id]
    writers = [
        {"kind": "write", "number": number, "token": hub.trusted.token, "path": hub.path,
         "nodes": [str(node) for node in nodes]}
        for number in range(3)
    ]  # fmt: skip
    workers = [
        {"kind": "work", "workspace": str(hub.workspace.id), "what": what, "times": times}
        for what, times in (("fold", 60), ("fold", 60), ("recount", 5), ("merge", 60))
    ]
    for statuses in run_in_processes("tests.analytics.test_storm:part", writers + workers):
        assert {int(status) for status in statuses} <= FINE, statuses
    everywhere = [*nodes, UUID(aggregate)]
    for again in (True, False):
        truth = counted(hub.workspace.id)
        assert read(hub, everywhere) == truth
        assert recount(hub.workspace.id, repair=False) == []
        while fold(hub.workspace.id):
            pass
        assert not Delta.objects.exists()
        assert read(hub, everywhere) == truth
        if again:
            merge_pending(seconds=60)
