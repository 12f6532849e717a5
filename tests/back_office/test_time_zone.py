"""Pages show every moment in the workspace's time zone, and say so."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from configuration.models import Workspace
from contacthub_project.admin.time_zone import with_local_time
from tests.analytics.test_answers import post_event
from tests.back_office.office import Page, Staff
from tests.factories import Hub

TOKYO = ZoneInfo("Asia/Tokyo")  # nine hours before UTC, and no summer time
RAW = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d\S*")


@pytest.fixture
def hub(db: None) -> Hub:
    hub = Hub()
    reply = hub.admin.put(hub.configuration, {"timezone": "Asia/Tokyo"})
    assert reply.status == 200, reply.json
    assert Workspace.objects.get(id=hub.workspace.id).timezone == "Asia/Tokyo"
    return hub


def displayed_time(page: Page) -> str:
    """What people read: without the fields of forms."""
    assert page.status == 200
    return re.sub(r"<(textarea|select|pre).*?</\1>", "", page.html, flags=re.DOTALL)


def test_a_person_and_their_orders_are_shown_in_the_workspaces_zone(hub: Hub) -> None:
    disclaimer = {"date": "2026-05-01T22:30:00.000Z", "version": "v1"}
    consents = {"disclaimer": disclaimer, "marketing": {"automatic": {"sms": {"status": True}}}}
    base = {
        "firstName": "Ada", "contacts": {"email": "ada@x.it"},
        "subscriptions": [
            {"id": "s", "name": "News", "subscribed": True, "startDate": "2026-03-01T20:05:00.000Z"}
        ],
    }  # fmt: skip
    person = hub.post_customer(base=base, consents=consents)["id"]
    moment = datetime.now(UTC).replace(hour=21, minute=7, second=0, microsecond=0)
    moment = moment.replace(day=1) if moment.day > 1 else moment.replace(month=1)
    event = post_event(
        hub, person, "completedOrder", "ECOMMERCE", moment.isoformat(),
        orderId="A1", amount={"total": 12}, products=[{"id": "p", "name": "Glass"}],
    )  # fmt: skip
    staff = Staff(hub, "CLAB_OPERATOR", "DPO")
    here = f"{moment.astimezone(TOKYO):%Y-%m-%d %H:%M}"

    card = staff.open("customer", customer_id=person)
    orders = card.html.partition('class="office-card office-chart"')[2].partition("</section>")[0]
    assert here in orders
    assert "Times are those of Asia/Tokyo." in orders
    for name, parts in (
        ("customer", {"customer_id": person}), ("customer-events", {"customer_id": person}),
        ("identity", {"customer_id": person}), ("event", {"event_id": event}),
        ("customers", {}), ("events", {}), ("privacy", {}), ("operations", {}),
        ("data-quality", {}), ("retention", {}), ("workspace-settings", {}),
    ):  # fmt: skip
        assert RAW.findall(displayed_time(staff.open(name, **parts))) == [], name
    for name in ("datasubjectrequest", "erasurereceipt", "suppressedvalue", "deletedcustomer"):
        listed = staff.open_admin(f"customers_{name}_changelist")
        assert listed.status == 200
        assert RAW.findall(displayed_time(listed)) == [], name
    page = staff.submit("privacy-person", {"reason": "a request"}, customer_id=person)
    assert RAW.findall(displayed_time(page)) == []
    history = page.html.partition("History of consents")[2].partition("</section>")[0]
    assert "Times are those of Asia/Tokyo." in history
    logged = hub.clients["DPO"].get(f"{hub.path}/consent-logs", query={"customerId": person})[
        "elements"
    ]
    assert len(logged) >= 2
    for each in logged:
        local = datetime.fromisoformat(each["date"]).astimezone(TOKYO)
        assert f"<time>{local:%Y-%m-%d %H:%M}</time>" in history
    assert "2026-05-02 07:30" in page.html  # the disclaimer's
    assert "2026-03-02 05:05" in page.html  # the subscription's
    assert f"{moment.astimezone(TOKYO):%Y-%m-%d %H:%M}" in page.html


@given(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_moment_is_the_same_in_every_spelling_of_the_api(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    with timezone.override(TOKYO):
        expected = f"{moment.astimezone(TOKYO):%Y-%m-%d %H:%M}"
        plain = f"{moment:%Y-%m-%dT%H:%M:%S}"
        for text in (f"{plain}Z", f"{plain}.000Z", f"{plain}+00:00", f"{plain}.123+0000"):
            assert with_local_time(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-02-30T10:00:00Z",
        "2026-01-01",
        "2026-01-01T10:00:00",
        "at 10:00",
        "5",
        "٢٠٢٦-01-01T10:00Z",
    ],
)
def test_what_is_no_moment_is_shown_as_it_is(text: str) -> None:
    assert with_local_time(text) == text
