"""Consents as they were at any moment, against a naive replay of what was sent."""

from __future__ import annotations

import copy
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration.domain.consent_paths import CONSENT_PATHS
from customers.models import ConsentLogEntry, Customer, CustomerAbsence
from customers.queries.consent_history import AUDIENCE
from tests.client import Answer
from tests.factories import Hub, make_workspace

PATHS = ["marketing.automatic.email", "marketing.automatic.sms", "profiling.online"]
LEAVES = ["status", "limitation", "objection"]


def nested(path: str, value: Any) -> dict[str, Any]:
    for name in reversed(path.split(".")):
        value = {name: value}
    return value  # type: ignore[no-any-return]


def state(hub: Hub, customer: str, **query: Any) -> Answer:
    return hub.clients["DPO"].get(f"{hub.path}/customers/{customer}/consents", query=query)


def reachable(hub: Hub, path: str, **query: Any) -> Answer:
    parameters = {"path": path} | query
    return hub.clients["DPO"].get(f"{hub.path}/consents/audience", query=parameters)


def database_now() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.002), clock_timestamp()")
        moment: datetime = cursor.fetchone()[1]
    # Whole milliseconds, as lines of the log have: what is at this one has happened.
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


LEAF = st.tuples(
    st.sampled_from(PATHS), st.sampled_from(LEAVES), st.sampled_from([True, False, None])
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 3), LEAF),
        st.tuples(st.just("disclaimer"), st.integers(0, 3), st.sampled_from(["v1", "v2"])),
        st.tuples(st.just("delete"), st.integers(0, 3), st.none()),
        st.tuples(st.just("forget"), st.integers(0, 3), st.none()),
    ),
    min_size=1,
    max_size=14,
)


class Replay:
    """Who had consented to what, kept as whole copies of everything after each step."""

    def __init__(self) -> None:
        self.people: dict[int, dict[str, Any]] = {}
        self.gone: set[int] = set()
        self.history: list[tuple[str, dict[int, dict[str, Any]], set[int]]] = []

    def note(self) -> None:
        moment = database_now()
        self.history.append((moment, copy.deepcopy(self.people), set(self.gone)))

    @staticmethod
    def tree(leaves: dict[str, Any]) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for path, value in leaves.items():
            if value is None:
                continue
            level = tree
            *parents, name = path.split(".")
            for parent in parents:
                level = level.setdefault(parent, {})
            level[name] = value
        return tree

    @staticmethod
    def may_be_contacted(leaves: dict[str, Any], path: str) -> bool:
        given = leaves.get(f"{path}.status") is True
        return given and not any(
            leaves.get(f"{path}.{each}") is True for each in ("limitation", "objection")
        )


@settings(max_examples=25)
@given(STEPS)
def test_any_moment_is_as_a_replay_has_it(db: None, steps: list[Any]) -> None:
    with transaction.atomic():
        _check_replay(Hub(), steps)
        transaction.set_rollback(True)


def _check_replay(hub: Hub, steps: list[Any]) -> None:
    replay = Replay()
    ids: dict[int, str] = {}
    replay.note()
    for kind, number, what in steps:
        if number not in ids:
            ids[number] = hub.post_customer()["id"]
            replay.people[number] = {}
        customer = f"{hub.path}/customers/{ids[number]}"
        if number in replay.gone:
            continue
        if kind == "write":
            path, leaf, value = what
            hub.admin.patch(customer, {"consents": nested(f"{path}.{leaf}", value)})
            replay.people[number][f"{path}.{leaf}"] = value
        elif kind == "disclaimer":
            hub.admin.patch(customer, {"consents": {"disclaimer": {"version": what}}})
            replay.people[number]["disclaimer.version"] = what
        elif kind == "delete":
            assert hub.admin.delete(customer).status == 200
            replay.gone.add(number)
        else:
            path = f"{hub.path}/data-protection/customers/{ids[number]}"
            assert hub.clients["DPO"].delete(path).status == 204
            replay.gone.add(number)
            for _, people, _ in replay.history:
                people.get(number, {}).pop("disclaimer.version", None)
            replay.people[number].pop("disclaimer.version", None)
        replay.note()
    for moment, people, gone in replay.history:
        for number, leaves in people.items():
            answer = state(hub, ids[number], at=moment)
            assert answer["consents"] == Replay.tree(leaves), (moment, number)
            known = {each["property"].removeprefix("consents.") for each in answer["leaves"]}
            assert known >= {path for path, value in leaves.items() if value is not None}
        for path in PATHS:
            expected = sum(
                Replay.may_be_contacted(leaves, path)
                for number, leaves in people.items()
                if number not in gone
            )
            assert reachable(hub, path, at=moment)["reachable"] == expected, (moment, path)


def test_each_leaf_has_when_by_whom_and_after_which_disclaimer(hub: Hub) -> None:
    created = hub.post_customer(
        consents={"disclaimer": {"version": "v1"}} | nested("profiling.online.status", True)
    )
    path = f"{hub.path}/customers/{created['id']}"
    hub.admin.patch(path, {"consents": {"disclaimer": {"version": "v2"}}})
    hub.admin.patch(path, {"consents": nested("profiling.online.objection", True)})
    leaves = {each["property"]: each for each in state(hub, created["id"])["leaves"]}
    given = leaves["consents.profiling.online.status"]
    objected = leaves["consents.profiling.online.objection"]
    assert (given["value"], given["disclaimerVersion"]) == (True, "v1")
    assert (given["sourceId"], given["sourceName"]) == (str(hub.source.id), hub.source.name)
    assert given["userId"] is None
    assert given["date"] == created["registeredAt"]
    assert (objected["disclaimerVersion"], objected["userName"]) == ("v2", "Given")
    assert leaves["consents.disclaimer.version"]["value"] == "v2"


def test_what_was_removed_is_returned_with_its_author(hub: Hub) -> None:
    created = hub.post_customer(consents=nested("profiling.online.status", True))
    hub.admin.patch(f"{hub.path}/customers/{created['id']}", {"consents": None})
    answer = state(hub, created["id"])
    (leaf,) = answer["leaves"]
    assert answer["consents"] == {}
    assert (leaf["value"], leaf["userName"]) == (None, "Given")


def test_a_moment_is_one_that_has_come(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    for wrong in (tomorrow.isoformat(), "now+1h", "x", "99999999999999999"):
        assert state(hub, customer, at=wrong).status == 400, wrong
        assert reachable(hub, PATHS[0], at=wrong).status == 400
    for right in ("2020-01-01", "now-1y", "2020-01-01T00:00:00+0200"):
        assert state(hub, customer, at=right)["consents"] == {}
        assert reachable(hub, PATHS[0], at=right)["reachable"] == 0


def test_only_consents_can_be_requested(hub: Hub) -> None:
    for wrong in (
        "",
        "marketing",
        "marketing.automatic.email.status",
        "disclaimer",
        "$.",
        "x" * 300,
    ):
        assert reachable(hub, wrong).status == 400, wrong
    for path in sorted(CONSENT_PATHS):
        for form in (path, f"consents.{path}", f"$.consents.{path}", f"$.{path}"):
            assert reachable(hub, form)["path"] == f"consents.{path}"


def test_a_node_is_counted_by_itself(hub: Hub) -> None:
    consents = nested("profiling.online.status", True)
    hub.post_customer(consents=consents)
    hub.post_customer(consents=consents, nodeId=str(hub.other_node.id))
    hub.post_customer(consents=consents | nested("softSpam.email.status", True))
    assert reachable(hub, "profiling.online")["reachable"] == 3
    assert reachable(hub, "profiling.online", nodeId=str(hub.other_node.id))["reachable"] == 1
    assert reachable(hub, "profiling.online", nodeId="x").status == 404


def test_those_of_emptied_nodes_are_counted_for_the_time_before(hub: Hub) -> None:
    hub.post_customer(consents=nested("profiling.online.status", True))
    before = database_now()
    Customer.objects.filter(workspace_id=hub.workspace.id, node_id=hub.node.id).delete()
    assert reachable(hub, "profiling.online", at=before)["reachable"] == 1
    assert reachable(hub, "profiling.online")["reachable"] == 0


def test_absence_is_recorded_only_of_customers_in_the_log(hub: Hub) -> None:
    silent, telling = (
        hub.post_customer(),
        hub.post_customer(consents=nested("softSpam.email.status", True)),
    )
    for each in (silent, telling):
        hub.admin.delete(f"{hub.path}/customers/{each['id']}")
    absences = CustomerAbsence.objects.in_workspace(hub.workspace.id)
    assert [str(each.customer_id) for each in absences] == [telling["id"]]
    Customer.objects.filter(workspace_id=hub.workspace.id, id=telling["id"]).update(
        deleted=0, former_key=None
    )
    assert absences.get().until is not None


def test_deleted_people_are_seen_by_those_who_see_all(hub: Hub) -> None:
    customer = hub.post_customer(consents=nested("profiling.online.status", True))["id"]
    for role in ("CLAB_OPERATOR", "ADMIN", "USER", "GUEST", "TRUSTED_APPLICATION", "DPO"):
        path = f"{hub.path}/customers/{customer}/consents"
        assert hub.clients[role].get(path).status == 200, role
    hub.admin.delete(f"{hub.path}/customers/{customer}")
    for role in ("ADMIN", "USER", "TRUSTED_APPLICATION"):
        assert hub.clients[role].get(path).status == 404, role
    assert state(hub, customer)["consents"] == nested("profiling.online.status", True)


def test_the_log_is_filtered_by_subtrees_in_every_form(hub: Hub) -> None:
    for path in ("marketing.automatic.email", "marketing.traditional.papery", "profiling.online"):
        hub.post_customer(consents=nested(f"{path}.status", True))
    counts = {
        "consents": 3, "consents.marketing": 2, "$.consents.marketing": 2, "$.marketing": 2,
        "marketing.automatic": 1, "consents.marketing.automatic.email.status": 1,
        "$.consents.marketing.automatic.email.status": 1, "consents.market": 0, "email": 0, "$": 0,
    }  # fmt: skip
    for path, count in counts.items():
        listed = hub.clients["DPO"].get(f"{hub.path}/consent-logs", query={"property": path})
        assert listed["page"]["totalElements"] == count, path


def test_the_log_names_people_and_sources(hub: Hub) -> None:
    created = hub.post_customer(consents=nested("profiling.online.status", True))
    hub.admin.patch(
        f"{hub.path}/customers/{created['id']}",
        {"consents": nested("profiling.online.status", False)},
    )
    elements = hub.clients["DPO"].get(f"{hub.path}/consent-logs")["elements"]
    assert [(each["userName"], each["sourceName"]) for each in elements] == [
        ("Given", None), (None, hub.source.name),
    ]  # fmt: skip
    one = hub.clients["DPO"].get(f"{hub.path}/consent-logs/{elements[0]['id']}")
    assert one.json == elements[0]


def test_the_log_is_exported_with_filters_and_without_formulas(hub: Hub) -> None:
    hub.post_customer(consents={"disclaimer": {"version": '=HYPERLINK("x")'}})
    hub.post_customer(consents=nested("profiling.online.status", True))
    path = f"{hub.path}/consent-logs/export"
    answer = hub.clients["DPO"].get(path)
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert {row["property"] for row in rows} == {
        "consents.disclaimer.version", "consents.profiling.online.status",
    }  # fmt: skip
    assert {row["value"] for row in rows} == {'\'=HYPERLINK("x")', "true"}
    query = {"format": "jsonl", "property": "consents.profiling"}
    lines = hub.clients["DPO"].get(path, query=query).content.splitlines()
    assert [json.loads(line)["sourceName"] for line in lines] == [hub.source.name]
    assert hub.clients["DPO"].get(path, query={"format": "xlsx"}).status == 400
    assert hub.clients["DPO"].get(path, query={"startDate": "x"}).paths == {"/startDate"}
    assert hub.admin.get(path).status == 403


def test_audiences_are_read_of_the_index_alone(hub: Hub) -> None:
    other = make_workspace()
    lines = [
        ConsentLogEntry(
            workspace_id=workspace, node_id=hub.node.id, customer_id=other.id,
            date=datetime(2026, 1, 1, tzinfo=UTC), type="CONSENT_CHANGED",
            property=f"consents.{path}.status", value="true",
        )
        for workspace in (hub.workspace.id, other.id)
        for path in sorted(CONSENT_PATHS)
        for _ in range(400)
    ]  # fmt: skip
    ConsentLogEntry.objects.bulk_create(lines, batch_size=1000)
    parameters = {
        "workspace_id": hub.workspace.id, "path": "consents.profiling.online",
        "at": datetime.now(UTC), "node_id": None,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_consentlogentry")
        # What earlier tests have left of the table must not make reading all of it cheaper.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN (COSTS OFF) " + AUDIENCE, parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert plan.count("consent_log_property") == 3, plan
    log = [line for line in plan.splitlines() if "Cond:" in line and "property" in line]
    assert len(log) >= 3, plan
    assert not any("customer_id = latest" in line for line in log), plan  # no look-up for each
    assert "Seq Scan on customers_consentlogentry" not in plan


@pytest.mark.parametrize("path", ["consents/audience?path=profiling.online", "consent-logs/export"])
def test_no_other_workspace_is_counted(hub: Hub, path: str) -> None:
    other = Hub()
    other.post_customer(consents=nested("profiling.online.status", True))
    name, _, query = path.partition("?")
    answer = hub.clients["DPO"].get(f"{hub.path}/{name}", query=query)
    assert b'"reachable":0' in answer.content or answer.content.count(b"\n") == 1
