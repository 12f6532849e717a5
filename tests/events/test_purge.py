from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration.domain.retention import cutoffs, default_months, effective_months
from configuration.models import Node
from customers.models import Change, Customer
from events.actions import purge
from events.models import Event, PurgeRun
from tests.factories import Hub

INSERT = """
INSERT INTO events_event (id, workspace_id, node_id, customer_id, type, context, properties,
                          context_info, date, origin, version, registered_at, updated_at)
SELECT gen_random_uuid(), %s, %s, %s, %s, 'WEB', '{}', '{}', %s, 'NATIVE', 1, now(), now()
FROM generate_series(1, %s)
"""


def store(hub: Hub, event_type: str, date: datetime, *, count: int = 1, node: Any = None) -> None:
    with connection.cursor() as cursor:
        node_id = (node or hub.node).id
        customer = UUID(int=1)
        cursor.execute(INSERT, [hub.workspace.id, node_id, customer, event_type, date, count])


def purged() -> None:
    purge.start_runs()
    while not purge.go_on(seconds=60):
        pass


def test_events_go_when_their_time_is_over(hub: Hub) -> None:
    now = timezone.now()
    store(hub, "viewedPage", now - timedelta(days=93), count=3)  # kept 3 months
    store(hub, "viewedPage", now - timedelta(days=88))
    store(hub, "completedOrder", now - timedelta(days=93))  # kept 12 months
    customer = hub.post_customer()["id"]
    purged()
    assert Event.objects.count() == 2
    assert Change.objects.filter(entity="EVENT", operation="DELETE").count() == 3
    assert Customer.objects.filter(id=customer, deleted=0).exists()
    run = PurgeRun.objects.get(workspace=hub.workspace)
    assert (run.deleted, run.looked_at) == (3, 3)
    assert run.finished_at is not None
    assert run.rows_per_second > 0


def test_the_node_wins_over_the_workspace(hub: Hub) -> None:
    old = timezone.now() - timedelta(days=400)
    for node in (hub.node, hub.other_node):
        for event_type in ("viewedPage", "completedOrder", "loggedIn"):
            store(hub, event_type, old, node=node)
    path = f"{hub.configuration}/retention-policy"
    answer = hub.operator.put(path, {"viewedPage": {"months": 0}, "completedOrder": {"months": 24}})
    assert answer.status == 200, answer.content
    Node.objects.filter(id=hub.node.id).update(
        retention_months={"completedOrder": 1, "loggedIn": 0}
    )
    purged()
    kept = set(Event.objects.values_list("node_id", "type"))
    assert kept == {
        (hub.node.id, "viewedPage"), (hub.node.id, "loggedIn"),
        (hub.other_node.id, "viewedPage"), (hub.other_node.id, "completedOrder"),
    }  # fmt: skip
    Node.objects.filter(id=hub.other_node.id).update(retention_enabled=False)
    hub.operator.put(path, {"completedOrder": {"months": 1}, "viewedPage": {"months": 1}})
    purged()
    assert set(Event.objects.values_list("node_id", flat=True)) == {hub.node.id, hub.other_node.id}


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["viewedPage", "campaignSent", "loggedIn"]),
            st.integers(-3, 3),
            st.sampled_from([0, 1, 999_999]),
        ),
        max_size=6,
    ),
    st.dictionaries(st.sampled_from(["viewedPage", "campaignSent"]), st.integers(0, 15)),
)
def test_nothing_inside_the_period_is_deleted(
    hub: Hub, drawn: list[tuple[str, int, int]], months: dict[str, int]
) -> None:
    Event.objects.all().delete()
    PurgeRun.objects.all().delete()
    Node.objects.filter(id=hub.node.id).update(retention_months=months)
    as_of = datetime(2024, 3, 31, 2, 15, tzinfo=UTC)
    moments = cutoffs(effective_months(months), as_of)
    for event_type, milliseconds, micro in drawn:
        at = moments.get(event_type, as_of) + timedelta(
            milliseconds=milliseconds, microseconds=micro
        )
        store(hub, event_type, at)
    expected = {
        each.id
        for each in Event.objects.all()
        if each.type not in moments or each.date >= moments[each.type]
    }
    PurgeRun.objects.create(
        workspace=hub.workspace, as_of=as_of, started_at=timezone.now(), worked_at=timezone.now()
    )
    while not purge.go_on(seconds=60):
        pass
    assert set(Event.objects.values_list("id", flat=True)) == expected


def test_a_run_goes_on_where_it_stopped(hub: Hub, monkeypatch: Any) -> None:
    old = timezone.now() - timedelta(days=500)
    monkeypatch.setattr(purge, "BATCH", 10)
    store(hub, "loggedIn", old, count=25)
    store(hub, "viewedPage", old, count=15)
    purge.start_runs()
    assert not purge.go_on(seconds=-1)  # one batch, and its time is over
    run = PurgeRun.objects.get(workspace=hub.workspace)
    assert (run.deleted, run.position) == (10, f"{hub.node.id} loggedIn")
    assert run.finished_at is None
    assert purge.start_runs() == 0  # it is under way
    while not purge.go_on(seconds=-1):
        pass
    run.refresh_from_db()
    assert run.deleted == 40
    assert Change.objects.filter(operation="DELETE").count() == 40
    assert not Event.objects.exists()


def test_a_dry_run_deletes_nothing(hub: Hub) -> None:
    store(hub, "viewedPage", timezone.now() - timedelta(days=100), count=7)
    out = io.StringIO()
    call_command("purge_events", "--dry-run", stdout=out)
    assert "viewedPage: 7 from" in out.getvalue()
    assert "7 events would be deleted" in out.getvalue()
    assert Event.objects.count() == 7
    assert not PurgeRun.objects.exists()
    call_command("purge_events", stdout=out)
    assert "7 deleted" in out.getvalue()
    assert not Event.objects.exists()


def test_every_type_is_kept_for_some_months() -> None:
    assert set(default_months().values()) == {3, 12, 13}
