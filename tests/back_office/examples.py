"""Data for pages that show nothing, or do not exist, without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.utils.timezone import now

from configuration.models import Node, SendUserDatabase
from customers.models import AggregateBuild, RecordMerge, WebhookAttempt
from events.models import PurgeRun
from tests.analytics.test_answers import post_event
from tests.customers.test_aggregates import make
from tests.factories import Hub


@dataclass(frozen=True)
class Example:
    """Two people of a node, one of whom a third was merged into, and what else has pages."""

    person: str
    other: str
    event: str
    merge: str
    aggregate: str
    segments: tuple[str, str]

    @property
    def parts(self) -> dict[str, Any]:
        """The values of the parts of addresses."""
        return {
            "customer_id": self.person, "other_id": self.other, "event_id": self.event,
            "merge_id": self.merge, "segment_id": self.segments[0],
        }  # fmt: skip

    def addresses(self) -> list[str]:
        """Pages below the workspace's that need these people."""
        one, two = self.segments
        return [
            "duplicates/", f"customers/{self.person}/merge/{self.other}/",
            f"merges/{self.merge}/undo/", f"customers/{self.person}/undo-change/?version=2",
            f"segments/overlap/?segment={one}&segment={two}",
            f"settings/aggregates/{self.aggregate}/", "privacy/people/", f"privacy/people/{self.person}/",
            f"privacy/people/{self.person}/erase/", "privacy/deleted/",
            f"../../segments/segment/{one}/change/",
        ]  # fmt: skip


def make_example(hub: Hub) -> Example:
    """Make one of everything that the pages of `Example.addresses` show."""
    assert hub.admin.put(hub.configuration, {"historyDays": 30}).status == 200
    people = [
        hub.post_customer(
            base={
                "firstName": name,
                "lastName": "Rossi",
                "contacts": {"email": f"{name}@rossi.it"},
            },
            consents={"profiling": {"online": {"status": True}}},
        )["id"]
        for name in ("Ada", "Bea", "Eva")
    ]
    path = f"{hub.path}/customers/{people[0]}"
    hub.admin.patch(path, {"base": {"firstName": "Ada Maria", "title": "Dr"}})
    event = post_event(
        hub, people[0], "completedOrder", "ECOMMERCE", "2026-01-01T00:00:00Z",
        orderId="A1", amount={"total": 12}, products=[{"id": "p", "name": "Glass"}],
    )  # fmt: skip
    assert hub.admin.post(f"{path}/merge", {"customers": [people[2]]}).status == 200
    merge = RecordMerge.objects.in_workspace(hub.workspace.id).get()
    gone = hub.post_customer(base={"contacts": {"email": "gone@rossi.it"}})["id"]
    hub.trusted.delete(f"{hub.path}/customers/{gone}")
    return Example(people[0], people[1], event, str(merge.id), make(hub), _segments(hub))


def _segments(hub: Hub) -> tuple[str, str]:
    ids = []
    for name in ("Customers", "Clients"):
        rule = {
            "type": "atomic",
            "attribute": "base.firstName",
            "operator": "IS_NOT_NULL",
            "value": "",
        }
        query = {"name": "", "query": {"type": "simple", "are": {"condition": rule}}}
        body = {"nodeId": str(hub.node.id), "name": name, "type": "DYNAMIC", "query": query}
        answer = hub.admin.post(f"{hub.path}/segments", body)
        assert answer.status == 201, answer.content
        ids.append(answer["id"])
    return ids[0], ids[1]


def make_registers(hub: Hub, rows: int) -> None:
    """Add rows to the registers that no request of a test fills."""
    for number in range(rows):
        PurgeRun.objects.create(
            workspace=hub.workspace, as_of=now(), started_at=now(), worked_at=now(),
            finished_at=now(), looked_at=number,
        )  # fmt: skip
        WebhookAttempt.objects.create(
            workspace_id=hub.workspace.id, webhook_id=hub.node.id, message_id=str(number),
            first_offset=number, last_offset=number, updates=1, status=200, milliseconds=number,
        )  # fmt: skip
        SendUserDatabase.objects.create(
            group_pk=hub.workspace.group_pk, userdb_id=str(uuid4()), name="All"
        )
        node = Node.objects.create(
            workspace=hub.workspace, name=f"All {number}", type="AGGREGATE", state="LOCKED",
            unique_properties=["base.contacts.email"], entry_nodes=[hub.node.id],
        )  # fmt: skip
        AggregateBuild.objects.create(
            workspace_id=hub.workspace.id, node_id=node.id, started_at=now(), total=number
        )
