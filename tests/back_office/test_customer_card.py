"""The card of a customer: ways to reach them, consents, orders, tags, subscriptions, time line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.admin.charts import bar_chart
from contacthub_project.admin.pages.customer_consents import PURPOSES, consent_matrix
from contacthub_project.admin.pages.customer_orders import money
from customers.models import Customer
from tests.analytics.test_answers import post_event
from tests.back_office.office import Staff
from tests.customers import test_aggregates as aggregates
from tests.factories import Hub

ROME = ZoneInfo("Europe/Rome")
EMAIL = {"contacts": {"email": "ada@x.it"}}
FLAGS = st.sampled_from([True, False, None])


def consent(status: Any, limitation: Any, objection: Any) -> dict[str, Any]:
    return {"status": status, "limitation": limitation, "objection": objection}


def leaves(schema: Any, definitions: Any, within: str = "") -> Iterator[str]:
    """The dotted paths of what an object's schema holds."""
    for each in schema.get("anyOf", [schema]):
        known = definitions[each["$ref"].removeprefix("#/$defs/")] if "$ref" in each else each
        for name, child in known.get("properties", {}).items():
            path = f"{within}.{name}" if within else name
            yield from list(leaves(child, definitions, path)) or [path]


@given(FLAGS, FLAGS, FLAGS)
def test_a_consent_may_be_used_when_given_and_neither_limited_nor_objected(
    status: Any, limitation: Any, objection: Any
) -> None:
    consents = {"marketing": {"automatic": {"sms": consent(status, limitation, objection)}}}
    [(purpose, [row])] = consent_matrix(consents, [], ROME)
    assert (purpose, row.channel, row.changed, row.author) == ("Marketing", "SMS", "", "")
    assert (row.given, row.limited, row.objected) == (status, limitation, objection)
    assert row.is_usable == (status is True and limitation is not True and objection is not True)


def test_every_consent_of_the_schema_is_in_the_matrix(hub: Hub) -> None:
    schema = hub.admin.get(f"{hub.configuration}/properties").json
    definitions = schema["$defs"]
    assert set(leaves(schema["properties"]["consents"], definitions)) == {
        f"{path}.{flag}"
        for channels in PURPOSES.values()
        for path in channels.values()
        for flag in ("status", "limitation", "objection")
    } | {"disclaimer.date", "disclaimer.version"}
    paths = {path for channels in PURPOSES.values() for path in channels.values()}
    consents: dict[str, Any] = {}
    for path in paths:
        *parents, last = path.split(".")
        place = consents
        for name in parents:
            place = place.setdefault(name, {})
        place[last] = consent(True, False, False)
    person = hub.post_customer(consents=consents)
    assert sum(len(rows) for _, rows in consent_matrix(person["consents"], [], ROME)) == len(paths)


def test_consents_are_a_matrix_with_date_author_and_disclaimer(hub: Hub) -> None:
    person = hub.post_customer(
        consents={
            "disclaimer": {"date": "2026-01-02T23:30:00.000Z", "version": "v7"},
            "marketing": {"automatic": {"email": consent(True, False, False)}},
        }
    )["id"]
    page = Staff(hub, "CLAB_OPERATOR", "DPO").open("customer", customer_id=person)
    row = re.search(r"<tr>(?:(?!<tr>).)*E-mail.*?</tr>", page.html, re.DOTALL)
    assert row is not None
    text = " ".join(re.sub(r"<[^>]+>", " ", row[0]).split())
    assert re.search(r"May be used: E-mail yes no no \d{4}-\d\d-\d\d \d\d:\d\d \S+", text), text
    assert "Disclaimer v7 read on 2026-01-03 00:30" in page, "in the workspace's time zone"


def test_they_are_reached_by_links(hub: Hub) -> None:
    contacts = {
        "email": "ada@x.it",
        "mobilePhone": "+39 333 (12) 34",
        "otherContacts": [{"name": "work", "type": "EMAIL", "value": "ada@work.it"}],
    }
    person = hub.post_customer(base={"contacts": contacts})["id"]
    page = Staff(hub, "USER").open("customer", customer_id=person)
    for address in ("mailto:ada@x.it", "tel:+393331234", "mailto:ada@work.it"):
        assert f'href="{address}"' in page.html


def test_tags_are_set_and_removed_on_the_card(hub: Hub) -> None:
    person = hub.post_customer(tags={"auto": ["robot"], "manual": ["old"]})["id"]
    staff = Staff(hub, "USER")
    assert "The tag new is set." in staff.submit(
        "customer-tags", {"add": " new "}, customer_id=person
    )
    page = staff.submit("customer-tags", {"remove": "old"}, customer_id=person)
    assert "The tag old is gone." in page
    saved = Customer.objects.get(id=person)
    assert saved.tags == {"auto": ["robot"], "manual": ["new"]}
    page = staff.submit("customer-tags", {"add": "x" * 256}, customer_id=person)
    assert "at most 255 characters" in page
    staff.submit("customer-tags", {"add": "new"}, customer_id=person)
    staff.submit("customer-tags", {"remove": "robot"}, customer_id=person)
    assert Customer.objects.get(id=person).version == saved.version, "nothing was to be changed"


def test_a_subscription_is_switched(hub: Hub) -> None:
    kept = {"id": "club", "subscribed": True}
    subscriptions = [{"id": "news", "name": "News", "subscribed": True, "type": "mail"}, kept]
    person = hub.post_customer(base=EMAIL | {"subscriptions": subscriptions})["id"]
    staff = Staff(hub, "USER")
    page = staff.submit("customer-subscription", {"id": "news", "on": "false"}, customer_id=person)
    assert "News is off." in page
    saved = {each["id"]: each for each in Customer.objects.get(id=person).base["subscriptions"]}
    assert saved["news"]["subscribed"] is False
    assert saved["news"]["type"] == "mail"
    assert saved["club"]["subscribed"] is True
    page = staff.submit("customer-subscription", {"id": "gone", "on": "true"}, customer_id=person)
    assert "no such subscription" in page


@pytest.mark.parametrize("role", ["GUEST", "USER"])
def test_who_may_only_read_is_offered_no_change(hub: Hub, role: str) -> None:
    person = hub.post_customer(
        base=EMAIL | {"subscriptions": [{"id": "news", "subscribed": True}]},
        tags={"manual": ["old"]},
    )["id"]
    page = Staff(hub, role, grants={hub.node: "R"}).open("customer", customer_id=person)
    assert "old" in page
    for offered in ("New tag", "office-switch", ">Edit<", ">Delete<"):
        assert offered not in page.html


def test_a_customer_of_an_aggregate_node_is_read_only(hub: Hub) -> None:
    node = aggregates.make(hub)
    aggregates.activate(hub, node)
    aggregates.post(hub, "ada@x.it")
    aggregates.merge_all_pending()
    [combined] = aggregates.people(hub, node)
    page = Staff(hub, "ADMIN").open("customer", customer_id=combined["id"])
    assert "Made of" in page
    assert "New tag" not in page.html
    assert ">Edit<" not in page.html


def test_orders_with_amounts_and_spending_by_month(hub: Hub) -> None:
    person = hub.post_customer()["id"]
    now = datetime.now(UTC)
    orders: list[tuple[str, float, str]] = [("A1", 1234.5, "sale"), ("A2", 100, "return")]
    for number, total, kind in orders:
        lines = [{"id": "p", "name": "Glass", "quantity": 2}]
        properties = {
            "orderId": number,
            "type": kind,
            "amount": {"total": total},
            "products": lines,
        }
        post_event(
            hub, person, "completedOrder", "ECOMMERCE", (now - timedelta(minutes=5)).isoformat(),
            **properties,
        )  # fmt: skip
    page = Staff(hub, "USER").open("customer", customer_id=person)
    for words in ("Spent 1,134.50 EUR", "Order A1", "2 x Glass 1,234.50 EUR", "-100.00 EUR"):
        assert words in page, words
    assert re.search(r"Return\s+A2", page.text)
    month = now.astimezone(ROME).strftime("%b %Y")
    assert f"{month} 1,134.50" in page.html


def test_the_time_line_has_days_of_the_workspace(hub: Hub) -> None:
    person = hub.post_customer()["id"]
    for moment in ("2026-01-01T22:59:00Z", "2026-01-01T23:01:00Z"):
        post_event(hub, person, "loggedIn", "WEB", moment)
    staff = Staff(hub, "USER")
    page = staff.open("customer-events", customer_id=person)
    assert page.text.count("Logged in") == 2
    assert page.text.index("2 January 2026") < page.text.index("00:01")
    assert page.text.index("00:01") < page.text.index("1 January 2026") < page.text.index("23:59")
    following = staff.open("customer-events", {"after": "2026-01-02"}, customer_id=person)
    assert "2 January 2026" not in following, "its heading stands on the page before"
    assert "1 January 2026" in following


@given(st.decimals(-(10**12), 10**12, places=2))
def test_money_says_what_it_is(amount: Decimal) -> None:
    text = money(amount, "EUR")
    assert text.endswith(" EUR")
    assert Decimal(text.removesuffix(" EUR").replace(",", "")) == amount


@given(st.lists(st.decimals(-(10**9), 10**9, places=2), max_size=12))
def test_a_chart_of_columns_is_told_in_words(values: list[Decimal]) -> None:
    labels = [f"month {number}" for number in range(len(values))]
    chart = bar_chart("Spending", labels, values)
    assert [label for label, _ in chart.rows] == labels
    assert all(label in chart.description for label in labels)
