from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from configuration.queries.rules import latest_rules_of
from contacthub_project.core.sql_fragments import Fragment
from segments.actions import refreshing, verification
from segments.actions.verification import verify_workspace
from segments.models import DueEvaluation, ListedCustomer, Member, MembershipChange, Segment
from tests.client import Answer, ApiClient
from tests.factories import Hub


def are(attribute: str, operator: str, value: Any = None) -> dict[str, Any]:
    condition = {"type": "atomic", "attribute": attribute, "operator": operator}
    if value is not None:
        condition["value"] = value
    return {"type": "simple", "name": "s", "are": {"condition": condition}}


def did(event: str, **values: Any) -> dict[str, Any]:
    return {"type": "simple", "name": "s", "did": {"event": {"name": event}} | values}


def within(attribute: str, value: str) -> dict[str, Any]:
    return {"type": "atomic", "attribute": attribute, "operator": "GTE", "value": value}


def wrapped(query: dict[str, Any]) -> dict[str, Any]:
    return {"name": "q", "query": query}


def make(hub: Hub, query: Any, **values: Any) -> dict[str, Any]:
    body = {"nodeId": str(hub.node.id), "name": "Group", "query": wrapped(query)} | values
    answer = hub.admin.post(f"{hub.path}/segments", body)
    assert answer.status == 201, answer.json
    made: dict[str, Any] = answer.json
    return made


def static(hub: Hub) -> str:
    body = {"nodeId": str(hub.node.id), "name": "List", "type": "STATIC"}
    answer = hub.admin.post(f"{hub.path}/segments", body)
    assert answer.status == 201, answer.json
    return str(answer["id"])


def get(hub: Hub, path: str, client: ApiClient | None = None) -> Answer:
    path, _, query = path.partition("?")
    return (client or hub.admin).get(path, query=query)


def refresh(hub: Hub, now: datetime | None = None) -> None:
    refreshing.refresh_workspace(hub.workspace.id, now=now)


def members(hub: Hub, segment: Any) -> set[str]:
    segment_id = segment["id"] if isinstance(segment, dict) else segment
    answer = get(hub, f"{hub.path}/segments/{segment_id}/customers?size=100")
    assert answer.status == 200, answer.json
    found = {each["id"] for each in answer["elements"]}
    count = get(hub, f"{hub.path}/segments/{segment_id}/count")["count"]
    assert count == len(found) == answer["page"]["totalElements"]
    return found


def event(hub: Hub, customer: str, date: datetime | None = None, word: str = "x") -> str:
    body: dict[str, Any] = {
        "type": "searched", "context": "WEB", "properties": {"keyword": word},
        "customerId": customer,
    }  # fmt: skip
    if date is not None:
        body["date"] = date.isoformat()
    answer = hub.trusted.post(f"{hub.path}/events", body)
    assert answer.status == 202, answer.json
    return str(answer["id"])


def named(hub: Hub, name: str) -> str:
    contacts = {"email": f"{name.lower()}@example.com"}
    return str(hub.post_customer(base={"firstName": name, "contacts": contacts})["id"])


def test_members_follow_what_customers_are_and_do(hub: Hub) -> None:
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    called_ada = make(hub, are("base.firstName", "EQUALS", "Ada"))
    searched = make(hub, did("searched"))
    silent = make(
        hub, did("searched", having=[{"function": "COUNT", "operator": "EQUALS", "value": 0}])
    )
    assert called_ada["state"] == "BUILDING"
    refresh(hub)
    assert (members(hub, called_ada), members(hub, searched)) == ({ada}, set())
    assert members(hub, silent) == {ada, bob}
    assert get(hub, f"{hub.path}/segments/{searched['id']}")["state"] == "READY"
    visit = event(hub, bob)
    hub.trusted.patch(f"{hub.path}/customers/{bob}", {"base": {"firstName": "Ada"}})
    of_bob = get(hub, f"{hub.path}/customers/{bob}/segments")
    assert {each["id"] for each in of_bob["elements"]} == {called_ada["id"], searched["id"]}
    assert get(hub, f"{hub.path}/segments/{searched['id']}/count")["lag"] > 0
    refresh(hub)
    assert get(hub, f"{hub.path}/segments/{searched['id']}/count")["lag"] == 0
    assert (members(hub, called_ada), members(hub, searched)) == ({ada, bob}, {bob})
    assert members(hub, silent) == {ada}
    assert hub.trusted.delete(f"{hub.path}/events/{visit}").status in {200, 204}
    hub.trusted.delete(f"{hub.path}/customers/{ada}")
    refresh(hub)
    assert (members(hub, called_ada), members(hub, searched)) == ({bob}, set())
    assert members(hub, silent) == {bob}
    assert hub.admin.post(f"{hub.path}/customers/{ada}/restore").status == 200
    refresh(hub)
    assert members(hub, called_ada) == {ada, bob}
    changes = get(hub, f"{hub.path}/segments/{searched['id']}/changes")["elements"]
    assert [(each["type"], each["customerId"]) for each in changes] == [
        ("LEFT", bob), ("ENTERED", bob),
    ]  # fmt: skip
    (today,) = get(hub, f"{hub.path}/segments/{searched['id']}/history?days=1")["days"]
    assert (today["size"], today["entered"], today["left"]) == (0, 1, 1)
    verified = verify_workspace(rules(hub), repairs=False)
    assert (verified.segments, verified.wrong, verified.sizes) == (3, 0, 0)


def rules(hub: Hub) -> Any:
    found = latest_rules_of(hub.workspace.id)
    assert found is not None
    return found


def test_time_alone_brings_customers_in_and_out(hub: Hub) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    ada = named(hub, "Ada")
    event(hub, ada, now - timedelta(days=29))
    recent = make(hub, did("searched", timeframe=within("date", "now-30d")))
    old = make(
        hub,
        did(
            "searched",
            timeframe={"type": "atomic", "attribute": "date", "operator": "LT", "value": "now-30d"},
        ),
    )
    newcomers = make(hub, are("registeredAt", "GTE", "now-7d/d"))
    refresh(hub, now)
    assert (members(hub, recent), members(hub, old)) == ({ada}, set())
    due = DueEvaluation.objects.in_workspace(hub.workspace.id).order_by("due_at")
    assert due.count() == 3
    refresh(hub, now + timedelta(days=1) - timedelta(milliseconds=1))
    assert (members(hub, recent), members(hub, old)) == ({ada}, set())
    refresh(hub, now + timedelta(days=1, milliseconds=2))
    assert (members(hub, recent), members(hub, old)) == (set(), {ada})
    assert members(hub, newcomers) == {ada}
    refresh(hub, now + timedelta(days=8, hours=1))
    assert members(hub, newcomers) == set()
    assert not due.exists()


def test_lists_and_segments_of_segments(hub: Hub) -> None:
    ada, bob, carl = (named(hub, each) for each in ("Ada", "Bob", "Carl"))
    chosen = static(hub)
    path = f"{hub.path}/segments/{chosen}/members"
    foreign = hub.post_customer(nodeId=str(hub.other_node.id))["id"]
    changed = hub.admin.post(path, {"add": [ada, bob, foreign]})
    assert changed.json == {
        "added": 2, "removed": 0, "unknown": [foreign], "unknownExternalIds": [],
    }  # fmt: skip
    both = make(hub, {"type": "simple", "name": "s", "segment": chosen} | {
        "are": are("base.firstName", "IN", ["Ada", "Carl"])["are"]})  # fmt: skip
    others = make(
        hub,
        {"type": "combined", "name": "c", "conjunction": "EXCEPT", "queries": [
            are("base.firstName", "IS_NOT_NULL"), {"type": "simple", "segment": both["id"]}]},
    )  # fmt: skip
    refresh(hub)
    assert (members(hub, chosen), members(hub, both)) == ({ada, bob}, {ada})
    assert members(hub, others) == {bob, carl}
    hub.admin.post(path, {"add": [carl], "remove": [ada]})
    refresh(hub)
    assert (members(hub, chosen), members(hub, both)) == ({bob, carl}, {carl})
    assert members(hub, others) == {ada, bob}
    ids = ",".join([chosen, both["id"], others["id"]])
    overlap = get(hub, f"{hub.path}/segments/overlap?segmentIds={ids}")["elements"]
    counts = {frozenset(each["segments"]): each["count"] for each in overlap}
    assert len(counts) == 7
    assert counts[frozenset({chosen, both["id"]})] == 1
    assert counts[frozenset({chosen, others["id"]})] == 1
    assert counts[frozenset({others["id"]})] == 1
    # In searches, as a parameter and in queries.
    search = f"{hub.path}/customers?nodeId={hub.node.id}&segmentId={chosen}"
    assert {each["id"] for each in get(hub, search)["elements"]} == {bob, carl}
    assert get(hub, search, hub.untrusted).status == 403
    wrong = f"{hub.path}/customers?nodeId={hub.node.id}&segmentId={UUID(int=1)}"
    assert get(hub, wrong).paths == {"/segmentId"}
    # Circles, and what others refer to.
    circle = {"query": wrapped({"type": "simple", "segment": others["id"]})}
    refused = hub.admin.put(f"{hub.path}/segments/{both['id']}", circle)
    assert (refused.status, refused.paths) == (400, {"/query"})
    assert "circle" in refused.json["errors"][0]["message"]
    assert hub.admin.delete(f"{hub.path}/segments/{both['id']}").status == 409
    assert hub.admin.delete(f"{hub.path}/segments/{others['id']}").status == 204
    assert hub.admin.delete(f"{hub.path}/segments/{both['id']}").status == 204
    refresh(hub)
    assert set(Segment.objects.values_list("id", flat=True)) == {UUID(chosen)}
    assert set(Member.objects.values_list("segment_id", flat=True)) == {UUID(chosen)}


def test_a_changed_query_finds_its_members_anew(hub: Hub) -> None:
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    group = make(hub, are("base.firstName", "EQUALS", "Ada"))
    refresh(hub)
    path = f"{hub.path}/segments/{group['id']}"
    changed = hub.admin.put(path, {"query": wrapped(are("base.firstName", "EQUALS", "Bob"))})
    assert (changed.status, changed["state"], changed["size"]) == (200, "BUILDING", 1)
    refresh(hub)
    assert members(hub, group) == {bob}
    listed = get(hub, f"{path}/changes")["elements"]
    assert {(each["customerId"], each["type"]) for each in listed} == {
        (ada, "LEFT"), (bob, "ENTERED"),
    }  # fmt: skip
    stale = hub.admin.put(path, {"name": "Other"}, If_Match='"1"')
    assert stale.status == 412


def test_an_invalid_query_breaks_a_segment_and_nothing_else(hub: Hub) -> None:
    properties = f"{hub.configuration}/properties/extended"
    assert hub.operator.put(properties, {"shoe": {"type": "number"}}).status == 200
    ada = str(hub.post_customer(extended={"shoe": 40})["id"])
    group = make(hub, are("extended.shoe", "EQUALS", 40))
    refresh(hub)
    assert members(hub, group) == {ada}
    assert (
        hub.operator.put(properties, {"shoe": {"type": "number", "enabled": False}}).status == 200
    )
    refresh(hub)
    path = f"{hub.path}/segments/{group['id']}"
    displayed = get(hub, path).json
    if displayed["state"] == "BROKEN":
        assert "extended.shoe" in displayed["brokenReason"]
        assert members(hub, group) == {ada}
        assert get(hub, f"{hub.path}/customers/{ada}/segments")["elements"][0]["id"] == group["id"]
        hub.trusted.delete(f"{hub.path}/customers/{ada}")
        refresh(hub)
        assert members(hub, group) == set()
    assert displayed["state"] == "BROKEN"


def test_forgetting_leaves_nothing(hub: Hub) -> None:
    ada = named(hub, "Ada")
    group = make(hub, are("registeredAt", "GTE", "now-7d"))
    chosen = static(hub)
    hub.admin.post(f"{hub.path}/segments/{chosen}/members", {"add": [ada]})
    bob = named(hub, "Bob")
    refresh(hub)
    assert members(hub, group) == {ada, bob}
    forgotten = hub.clients["DPO"].delete(f"{hub.path}/data-protection/customers/{ada}")
    assert forgotten.status in {200, 204}, forgotten.json
    for model in (Member, ListedCustomer, DueEvaluation, MembershipChange):
        assert not model.objects.filter(customer_id=ada).exists(), model  # type: ignore[attr-defined]
    refresh(hub)
    assert members(hub, group) == {bob}
    assert members(hub, chosen) == set()
    assert verify_workspace(rules(hub), repairs=False).sizes == 0


def test_a_proof_finds_and_mends_what_is_wrong(hub: Hub) -> None:
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    group = make(hub, are("base.firstName", "EQUALS", "Ada"))
    refresh(hub)
    of_group = {"workspace_id": hub.workspace.id, "segment_id": group["id"]}
    Member.objects.filter(**of_group).delete()
    Member.objects.create(**of_group, customer_id=bob, since=datetime.now(UTC))
    Segment.objects.filter(id=group["id"]).update(size=7)
    found = verify_workspace(rules(hub), repairs=False)
    assert (found.wrong, found.sizes) == (2, 1)
    assert verify_workspace(rules(hub)).wrong == 2
    found = verify_workspace(rules(hub), repairs=False)
    assert (found.wrong, found.sizes) == (0, 0)
    assert members(hub, group) == {ada}


def test_contactable_members(hub: Hub) -> None:
    status = {"status": True}
    given = {"consents": {"marketing": {"automatic": {"email": status}}}}
    yes = str(hub.post_customer(**given)["id"])
    hub.post_customer()
    limited = {"consents": {"marketing": {"automatic": {"email": {**status, "limitation": True}}}}}
    hub.post_customer(**limited)
    group = make(hub, are("registeredAt", "IS_NOT_NULL"))
    refresh(hub)
    path = f"{hub.path}/segments/{group['id']}"
    consent = "contactable=marketing.automatic.email"
    assert get(hub, f"{path}/count")["count"] == 3
    assert get(hub, f"{path}/count?{consent}")["count"] == 1
    found = get(hub, f"{path}/customers?{consent}&fields=id")
    assert found["elements"] == [{"id": yes}]
    assert get(hub, f"{path}/count?contactable=x").paths == {"/contactable"}


def test_previews_and_bad_bodies(hub: Hub) -> None:
    ada = named(hub, "Ada")
    query = wrapped(are("base.firstName", "EQUALS", "Ada"))
    preview = f"{hub.path}/segments/preview"
    found = hub.clients["GUEST"].post(preview, {"nodeId": str(hub.node.id), "query": query})
    assert (found["count"], [each["id"] for each in found["elements"]]) == (1, [ada])
    wrong = wrapped(are("base.shoe", "EQUALS", "Ada"))
    refused = hub.admin.post(preview, {"nodeId": str(hub.node.id), "query": wrong})
    assert refused.paths == {"/query/query/are/condition/attribute"}
    body = {"nodeId": str(hub.node.id), "name": "x"}
    for bad, paths in (
        (body, {"/query"}),
        (body | {"query": query, "type": "STATIC"}, {"/query"}),
        (body | {"query": 3}, {"/query"}),
        (body | {"query": wrapped({"type": "simple", "segment": 4})}, {"/query/query/segment"}),
        (body | {"query": query, "tags": [1]}, {"/tags/0"}),
        (body | {"query": query, "shoe": 1}, {"/shoe"}),
    ):
        assert hub.admin.post(f"{hub.path}/segments", bad).paths == paths, bad


def test_a_query_that_takes_too_long_is_refused_with_advice(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(hub, "Ada")
    made = make(hub, are("base.firstName", "EQUALS", "Ada"))
    monkeypatch.setattr("segments.actions.segments.MOST_SECONDS", 0.05)
    slow = Fragment("pg_sleep(2) IS NOT NULL")
    monkeypatch.setattr("segments.queries.counting.compiled_query", lambda *_: slow)
    query = wrapped(are("base.firstName", "EQUALS", "Bob"))
    body = {"nodeId": str(hub.node.id), "query": query}
    path = f"{hub.path}/segments"
    for answer in (
        hub.admin.post(path, body | {"name": "x"}),
        hub.admin.post(f"{path}/preview", body),
        hub.admin.put(f"{path}/{made['id']}", made | {"query": query}),
    ):
        assert (answer.status, answer.paths) == (400, {"/query"})
        assert "narrow it by conditions" in str(answer.json)
    assert Segment.objects.get().name == made["name"]


def test_no_more_than_so_many(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segments.actions.segments.MOST_SEGMENTS", 1)
    make(hub, are("id", "IS_NOT_NULL"))
    body = {"nodeId": str(hub.node.id), "name": "x", "type": "STATIC"}
    assert hub.admin.post(f"{hub.path}/segments", body).status == 409


def test_a_query_that_changes_while_it_is_verified_is_no_fault(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    segment = make(hub, are("base.firstName", "EQUALS", "Ada"))
    refresh(hub)
    evaluated = verification.evaluate

    def evaluate(*arguments: Any) -> Any:
        monkeypatch.setattr(verification, "evaluate", evaluated)
        body = {"name": "Group", "query": wrapped(are("base.firstName", "EQUALS", "Bob"))}
        assert hub.admin.put(f"{hub.path}/segments/{segment['id']}", body).status == 200
        refresh(hub)
        return evaluated(*arguments)

    monkeypatch.setattr(verification, "evaluate", evaluate)
    assert verify_workspace(rules(hub)).wrong == 0
    assert members(hub, segment) == {bob} != {ada}


def test_what_another_worker_has_not_evaluated_yet_is_no_fault(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    segment = make(hub, are("base.firstName", "EQUALS", "Ada"))
    refresh(hub)
    hub.trusted.patch(f"{hub.path}/customers/{bob}", {"base": {"firstName": "Ada"}})
    refreshed, tries = verification.refresh_workspace, iter(range(6))

    def later(*arguments: Any, **options: Any) -> None:
        if next(tries, None) is None:  # until then another worker has the feed cursor
            refreshed(*arguments, **options)

    monkeypatch.setattr(verification, "refresh_workspace", later)
    assert verify_workspace(rules(hub)).wrong == 0
    assert members(hub, segment) == {ada, bob}


def test_segments_that_are_too_far_behind_are_not_verified(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    segment = make(hub, are("base.firstName", "EQUALS", "Ada"))
    refresh(hub)
    hub.trusted.patch(f"{hub.path}/customers/{bob}", {"base": {"firstName": "Ada"}})
    monkeypatch.setattr(verification, "refresh_workspace", lambda *_, **__: None)
    monkeypatch.setattr(verification, "CATCH_UP_SECONDS", 0.3)
    assert verify_workspace(rules(hub)).wrong == 0
    assert members(hub, segment) == {ada}
