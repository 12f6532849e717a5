"""A client's own id of a customer is one id in every spelling, wherever it is given."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from events.models import Event
from events.queries.owners import OF_IDENTITIES
from tests.bulkjobs.test_jobs import done, outcomes
from tests.client import Answer
from tests.factories import Hub

KEPT = "Müller 1"
SPELLINGS = [KEPT, "  Müller 1\t", "Mu\u0308ller 1", "\u00a0Mu\u0308ller 1 "]


pytestmark = pytest.mark.usefixtures("uploads_folder")


def post_event(hub: Hub, external_id: str) -> str:
    answer = hub.trusted.post(f"{hub.path}/events", waiting_event(hub, external_id))
    assert answer.status == 202, answer.content
    return answer["id"]


def waiting_event(hub: Hub, external_id: str) -> dict[str, Any]:
    bring_back = {"type": "EXTERNAL_ID", "value": external_id, "nodeId": str(hub.node.id)}
    return {"type": "loggedIn", "context": "WEB", "bringBackProperties": bring_back}


def look_up(hub: Hub, external_id: str) -> Answer:
    query = {"nodeId": hub.node.id, "externalId": external_id}
    return hub.trusted.get(f"{hub.path}/customers", query=query)


def owner(event_id: str) -> str | None:
    customer_id = Event.objects.get(id=event_id).customer_id
    return None if customer_id is None else str(customer_id)


@pytest.mark.parametrize("sent", SPELLINGS)
@pytest.mark.parametrize("requested", SPELLINGS)
def test_it_is_kept_in_one_form_and_found_by_all(hub: Hub, sent: str, requested: str) -> None:
    before = post_event(hub, requested)
    customer = hub.post_customer(externalId=sent)
    assert customer["externalId"] == KEPT
    assert [each["id"] for each in look_up(hub, requested)["elements"]] == [customer["id"]]
    after = post_event(hub, requested)
    batch = {"events": [waiting_event(hub, requested)]}
    (third,) = hub.trusted.post(f"{hub.path}/events/batch", batch)["elements"]
    owners = [owner(event) for event in (before, after, third["id"])]
    assert owners == [customer["id"]] * 3
    event = hub.trusted.get(f"{hub.path}/events/{before}")
    assert event["bringBackProperties"]["value"] == KEPT


@pytest.mark.parametrize("how", ["PATCH", "PUT", "POST", "bulk"])
def test_events_that_wait_meet_every_way_of_giving_it(hub: Hub, how: str) -> None:
    event = post_event(hub, SPELLINGS[3])
    body = {"nodeId": str(hub.node.id), "base": {"contacts": {"email": "a@b.it"}}}
    customer = hub.trusted.post(f"{hub.path}/customers", body)["id"]
    if how == "bulk":
        file = f"externalId,base.contacts.email\n{SPELLINGS[1]},a@b.it\n"
        assert outcomes(done(hub, file)) == ["updated"]
    else:
        path = f"{hub.path}/customers" + ("" if how == "POST" else f"/{customer}")
        answer = hub.trusted.request(how, path, body | {"externalId": SPELLINGS[1]})
        assert answer.status == 200, answer.content
    assert owner(event) == customer


@pytest.mark.parametrize("requested", SPELLINGS)
def test_bulk_files_find_by_it(hub: Hub, requested: str) -> None:
    customer = hub.post_customer(externalId=SPELLINGS[1])["id"]
    file = f"externalId,context\n{requested},WEB\n"
    (row,) = done(hub, file, "INSERT", entity="EVENT", eventType="loggedIn")
    assert owner(row["id"]) == customer
    assert outcomes(done(hub, f"externalId\n{requested}\n", "DELETE")) == ["deleted"]
    assert not Customer.objects.in_node(hub.workspace.id, hub.node.id).exists()


def test_a_browser_looks_up_by_it(hub: Hub) -> None:
    customer = hub.post_customer(externalId=KEPT)["id"]
    query = {"nodeId": hub.node.id, "externalId": SPELLINGS[3]}
    found = hub.untrusted.get(f"{hub.path}/customers", query=query)
    assert [each["id"] for each in found["elements"]] == [customer]


@pytest.mark.parametrize("blank", [" ", "\u00a0\t"])
def test_blank_text_looks_up_nobody(hub: Hub, blank: str) -> None:
    hub.post_customer()
    assert look_up(hub, blank).paths == {"/externalId"}
    event = hub.trusted.post(f"{hub.path}/events", waiting_event(hub, blank))
    assert event.paths == {"/bringBackProperties/value"}


def test_length_is_that_of_what_is_kept(hub: Hub) -> None:
    assert owner(post_event(hub, " " * 50 + "x" * 255)) is None
    too_long = waiting_event(hub, "x" * 256)
    answer = hub.trusted.post(f"{hub.path}/events", too_long)
    assert answer.paths == {"/bringBackProperties/value"}
    # U+0958 is two characters in normal form C.
    answer = hub.trusted.post(f"{hub.path}/events", waiting_event(hub, "\u0958" * 200))
    assert answer.paths == {"/bringBackProperties/value"}


def set_matching_policy(hub: Hub, *properties: str, exact: bool) -> None:
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}/unique-customer-matching-policy"
    policy = {"properties": list(properties), "caseSensitive": exact}
    assert hub.admin.put(path, policy).status == 200


@pytest.mark.parametrize("properties", [["externalId"], ["externalId", "base.contacts.email"]])
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("kept", "requested"),
    [("Order-1", " ORDER-1"), ("Straße 1", "STRASSE 1"), ("σοφός", "ΣΟΦΌΣ"), ("Müller", "MU\u0308LLER")],
)  # fmt: skip
def test_a_node_that_recognises_by_it_compares_it_as_its_policy_says(
    hub: Hub, properties: list[str], exact: bool, kept: str, requested: str
) -> None:
    set_matching_policy(hub, *properties, exact=exact)
    before = post_event(hub, requested)
    base = {"contacts": {"email": "a@b.it"}}
    customer = hub.post_customer(externalId=kept, base=base)["id"]
    after = post_event(hub, requested)
    found = [each["id"] for each in look_up(hub, requested)["elements"]]
    expected = None if exact else customer
    assert (owner(before), owner(after)) == (expected, expected)
    assert found == ([] if exact else [customer])
    again = hub.post_customer(externalId=requested, base=base)
    assert (again["id"] == customer) != exact
    assert (owner(before), owner(after)) == (again["id"], again["id"])
    assert look_up(hub, kept)["elements"][0]["id"] == customer
    assert hub.trusted.get(f"{hub.path}/events/{before}")["bringBackProperties"]["value"] == (
        requested.strip().replace("U\u0308", "Ü")
    )


def test_other_nodes_compare_it_exactly(hub: Hub) -> None:
    customer = hub.post_customer(externalId="Order-1")["id"]
    assert look_up(hub, "ORDER-1")["elements"] == []
    assert owner(post_event(hub, "ORDER-1")) is None
    hub.post_customer(externalId="ORDER-1")
    assert owner(post_event(hub, "Order-1")) == customer


def test_a_session_is_compared_exactly_everywhere(hub: Hub) -> None:
    set_matching_policy(hub, "externalId", exact=False)
    bring_back = {"type": "SESSION_ID", "value": "Abc", "nodeId": str(hub.node.id)}
    event = {"type": "loggedIn", "context": "WEB", "bringBackProperties": bring_back}
    waiting = hub.trusted.post(f"{hub.path}/events", event)["id"]
    customer = hub.post_customer(externalId="1")["id"]
    hub.trusted.post(f"{hub.path}/customers/{customer}/sessions", {"value": "abc"})
    assert owner(waiting) is None


def test_a_browser_may_spell_it_in_another_way_that_is_the_same(hub: Hub) -> None:
    set_matching_policy(hub, "externalId", exact=False)
    customer = hub.post_customer(hub.untrusted, externalId="Order-1")["id"]
    path = f"{hub.path}/customers/{customer}"
    assert hub.untrusted.patch(path, {"externalId": "ORDER-1"}).status == 200
    assert hub.untrusted.patch(path, {"externalId": "ORDER-2"}).status == 403


def test_look_ups_are_by_index(hub: Hub) -> None:
    """Without statistics, in a table that the planner would rather not read whole."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for table, column, condition, collation, index in (
            ("customers_customer", "external_id", "external_id IS NOT NULL AND deleted = 0", ' COLLATE "C"', "customer_folded_external_id"),
            ("events_event", "bring_back_value", "customer_id IS NULL", "", "event_waiting"),
        ):  # fmt: skip
            cursor.execute(
                f"EXPLAIN SELECT FROM {table} WHERE node_id = %s AND {condition}"
                f" AND customers_folded({column}){collation} = customers_folded(%s)",
                [hub.node.id, "x"],
            )
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert index in plan
            assert "Index Cond" in plan.split(index)[1]
            assert "btrim" in plan.split("Index Cond")[1].split("\n")[0] or "octet_length" in plan


def test_owners_of_events_are_looked_up_by_index(hub: Hub) -> None:
    hub.post_customer(externalId="Order-1")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN " + OF_IDENTITIES,
            {
                "workspace_id": hub.workspace.id, "nodes": [hub.node.id], "values": ["Order-1"],
                "kinds": ["EXTERNAL_ID"], "ignore_cases": [False],
            },
        )  # fmt: skip
        plan = "\n".join(line for (line,) in cursor.fetchall())
    # Another index of the same expression, of a node that is searched by it, does as well.
    conditions = [line for line in plan.splitlines() if "Index Cond" in line]
    assert any("casefold_unicode(external_id)" in each for each in conditions), plan
    assert "Seq Scan" not in plan


def test_customers_are_listed_by_external_id_by_index(hub: Hub) -> None:
    set_matching_policy(hub, "externalId", exact=False)
    customer = hub.post_customer(externalId="Order-1")["id"]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    with CaptureQueriesContext(connection) as queries:
        query = {"nodeId": str(hub.node.id), "externalId": "ORDER-1"}
        found = hub.trusted.get(f"{hub.path}/customers", query=query)
    assert [each["id"] for each in found["elements"]] == [customer]
    (search,) = {
        each["sql"] for each in queries if "customers_folded(customer.external_id)" in each["sql"]
    }
    assert "customer.external_id IS NOT NULL" in search
