"""The dashboard: figures beside those of the period before, charts, links to lists, first steps."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from analytics.admin.charts import bars, daily_chart
from contacthub_project.messaging.shared_version import shared_version
from tests.analytics.test_answers import post_event
from tests.back_office.office import Page, Staff
from tests.factories import Hub, make_node

NOW = datetime.now(UTC)


def charts_of(page: Page) -> dict[str, dict]:  # type: ignore[type-arg]
    """The data that the page gives to the script that draws, by title."""
    drawn = [
        json.loads(html.unescape(each)) for each in re.findall(r'data-value="([^"]+)"', page.html)
    ]
    return {each["datasets"][1]["label"]: each for each in drawn}


def tile(page: Page, label: str) -> str:
    found = re.search(rf"<span>{label}</span>(.*?)</div>", page.html, re.DOTALL)
    assert found, label
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


def test_figures_stand_beside_those_of_the_period_before(hub: Hub) -> None:
    person = hub.post_customer(base={"contacts": {"email": "ada@x.it"}})["id"]
    for days_ago in (1, 2, 3, 9):
        date = (NOW - timedelta(days=days_ago)).isoformat()
        post_event(hub, person, "viewedPage", "WEB", date)
    page = Staff(hub, "ADMIN").open("dashboard", {"days": "7"})
    assert tile(page, "Page views") == "3 +200 %"
    assert 'title="1 in the period before"' in page.html
    assert tile(page, "Orders") == "0"
    assert tile(page, "Average order") == "0.00 EUR"
    series = charts_of(page)["Page views"]["datasets"]
    before, whole, today = (each["data"] for each in series)
    assert sum(before) == 1
    assert len(whole) == 7
    assert whole[-1] is None, "today is not over"
    assert sum(each or 0 for each in whole) == 3
    assert today[:-2] == [None] * 5
    assert today[-1] == 0


def test_numbers_have_separators_and_lead_to_their_lists(hub: Hub) -> None:
    person = hub.post_customer(base={"contacts": {"email": "ada@x.it"}})["id"]
    post_event(hub, person, "viewedPage", "WEB", NOW.isoformat())
    staff = Staff(hub, "USER")
    page = staff.open("dashboard", {"node": str(hub.node.id), "days": "30"})
    address = re.search(r'<span>New customers</span>\s*<a href="([^"]+)"', page.html)
    assert address
    listed = Page(staff.client.get(html.unescape(address[1]), HTTP_HOST="localhost"))
    assert "ada@x.it" in listed
    address = re.search(
        r'<a href="([^"]+)">Page viewed? · Web event|<a href="([^"]+)">[^<]*Web event', page.html
    )
    assert address
    link = html.unescape(address[1] or address[2])
    listed = Page(staff.client.get(link, HTTP_HOST="localhost"))
    assert listed.status == 200
    assert "type=viewedPage" in link
    assert [bar.value for bar in bars([("a", "1234567", ""), ("b", "0", "")])] == ["1,234,567", "0"]


def test_nodes_stand_side_by_side_and_only_those_one_may_read(hub: Hub) -> None:
    hub.post_customer(base={"contacts": {"email": "ada@x.it"}})
    make_node(hub.workspace, name="Closed")
    page = Staff(hub, "USER", grants={hub.node: "R", hub.other_node: "R"}).open("dashboard")
    assert "By node" in page
    assert hub.other_node.name in page
    assert "Closed" not in page
    alone = Staff(hub, "USER", grants={hub.node: "R"}).open("dashboard")
    assert "By node" not in alone


def test_first_steps_go_away_when_data_flows(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    page = staff.open("dashboard")
    assert "First steps" in page
    assert page.html.count("radio_button_unchecked") == 2, "node and source are there"
    person = hub.post_customer(base={"contacts": {"email": "ada@x.it"}})["id"]
    assert staff.open("dashboard").html.count("radio_button_unchecked") == 1
    post_event(hub, person, "viewedPage", "WEB", NOW.isoformat())
    assert "First steps" not in staff.open("dashboard")


def test_statements_do_not_grow_with_customers(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    staff.open("dashboard")

    def statements() -> int:
        shared_version.advance()  # what is known by then is looked up in each case
        with CaptureQueriesContext(connection) as captured:
            staff.open("dashboard", {"days": "365"})
        return len(captured)

    few = statements()
    for number in range(5):
        hub.post_customer(base={"contacts": {"email": f"p{number}@x.it"}})
    assert statements() <= few


@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=40),
    st.lists(st.integers(0, 9), max_size=40),
)
def test_a_chart_shows_every_day_once(values: list[int], before: list[int]) -> None:
    def series(numbers: list[int]) -> list[dict[str, str]]:
        first = datetime(2026, 1, 1, tzinfo=UTC)
        return [
            {"datetime": (first + timedelta(days=day)).date().isoformat(), "value": str(number)}
            for day, number in enumerate(numbers)
        ]

    chart = daily_chart("Orders", series(values), series(before), total="", is_current=True)
    drawn = json.loads(chart.data)
    lines = drawn["datasets"]
    assert all(len(line["data"]) == len(values) == len(drawn["labels"]) for line in lines)
    whole, today = lines[1]["data"], lines[-1]["data"]
    assert [a if a is not None else b for a, b in zip(whole, today, strict=True)] == values
    assert [Decimal(row[1].replace(",", "")) for row in chart.rows] == values
    assert sum(lines[0]["data"]) == sum(before[-len(values) :])
