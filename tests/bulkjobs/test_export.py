from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjobs.domain.cells import json_cell, plain_text, safe_cell
from bulkjobs.domain.csv_lines import guarded, line_of
from bulkjobs.queries.export_requests import Export
from bulkjobs.queries.exports import exported, exported_lines
from configuration.queries.rules import latest_rules_of
from customers.domain.paths import value_at
from customers.models import Customer
from events.models import Event
from tests.bulkjobs.test_jobs import process, upload
from tests.customers.test_aggregates import activate, make, people
from tests.customers.test_aggregates import post as post_person
from tests.factories import Hub

BAD_MINUS = re.compile(r"-(?!\d+(\D|$))")  # a number alone is none
TRICKY = [
    "=1+1",
    "+39 055",
    "-x",
    "@me",
    "null",
    "",
    "'",
    "'=x",
    "''null",
    "a|b",
    '["x"]',
    "a,b;c",
    "two\nlines",
    "è",
]


@given(st.one_of(st.text(), st.sampled_from(TRICKY)))
def test_any_text_comes_back(text: str) -> None:
    cell = safe_cell(text)
    assert plain_text(cell) == text
    assert cell not in {"", "null"}
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def documents(node: Any) -> list[Any]:
    rows = Customer.objects.filter(node=node, deleted=0)
    return sorted(
        (
            repr(each.base),
            repr(each.extended),
            repr(each.consents),
            repr(each.tags),
            repr(each.extra),
            each.external_id,
            each.enabled,
        )
        for each in rows
    )


def test_customers_go_out_and_come_in_again(hub: Hub) -> None:
    extended = {
        "points": {"type": "number"},
        "note": {"type": "string"},
        "sizes": {"type": "array", "items": {"type": "string"}},
    }
    assert hub.operator.put(f"{hub.configuration}/properties/extended", extended).status == 200
    for number, text in enumerate(TRICKY):
        hub.post_customer(
            externalId=text or None, extra=text, enabled=bool(number % 2),
            base={
                "contacts": {"email": f"p{number}@x.it", "mobilePhone": "+39 333"}, "firstName": text,
                "dob": "1990-01-02", "subscriptions": [{"id": "news", "subscribed": True, "name": text}],
            },
            extended={"points": -1.5, "note": text, "sizes": [text or "S", "M"]},
            tags={"manual": [text or "x"]}, consents={"profiling": {"online": {"status": True}}},
        )  # fmt: skip
    path = f"{hub.path}/nodes/{hub.node.id}/export"
    answer = hub.trusted.get(path)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/csv")
    before = documents(hub.node)
    for each in list(Customer.objects.filter(node=hub.node)):
        hub.trusted.delete(f"{hub.path}/customers/{each.id}")
    job = upload(hub, answer.content)
    assert job["status"] == "LOADED", job.content
    assert process(seconds=60)
    assert documents(hub.node) == before


def test_events_go_out_and_come_in_again(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    order = {"orderId": "=1", "amount": {"total": 1.5}, "products": [{"id": "P", "type": "sale"}]}
    body = {"type": "completedOrder", "context": "WEB", "properties": order, "date": "2021-01-01"}
    session = {"bringBackProperties": {"value": "s", "nodeId": str(hub.node.id)}}
    tracking = {
        "tracking": {"ga": {"utm_source": "x"}},
        "contextInfo": {"client": {"ip": "10.1.2.3"}},
    }
    for more in ({"customerId": customer, **tracking}, session):
        assert hub.trusted.post(f"{hub.path}/events", body | more).status == 202

    def logged() -> list[Any]:
        return sorted(
            (
                str(each.customer_id),
                each.bring_back_value or "",
                repr(each.properties),
                repr(each.context_info),
                repr(each.tracking),
                str(each.date),
            )
            for each in Event.objects.all()
        )

    path = f"{hub.path}/nodes/{hub.node.id}/export"
    answer = hub.trusted.get(path, query={"entity": "EVENT", "eventType": "completedOrder"})
    before = logged()
    Event.objects.all().delete()
    upload(hub, answer.content, "INSERT", entity="EVENT", eventType="completedOrder")
    assert process(seconds=60)
    assert logged() == before


def test_an_aggregate_nodes_events_are_those_it_shows(hub: Hub) -> None:
    one, two = post_person(hub, "a@x.it"), post_person(hub, "a@x.it", other=True)
    stranger = post_person(hub, "b@x.it", tags={"manual": ["hidden"]})
    hidden = {"type": "atomic", "attribute": "tags.manual", "operator": "IN", "value": "hidden"}
    node = make(hub, exclusionFilters=[hidden])
    activate(hub, node)
    (person,) = people(hub, node)
    for day, owner in enumerate((one, two, person["id"], stranger), 1):
        body = {
            "type": "loggedIn",
            "context": "WEB",
            "customerId": owner,
            "date": f"2021-01-0{day}",
        }
        assert hub.admin.post(f"{hub.path}/events", body).status == 202
    query = {"entity": "EVENT", "eventType": "loggedIn"}

    def exported(node_id: str) -> list[tuple[str, str]]:
        answer = hub.admin.get(f"{hub.path}/nodes/{node_id}/export", query=query)
        rows = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
        return [(row["customerId"], row["date"][:10]) for row in rows]

    owner = person["id"]
    assert exported(node) == [(owner, "2021-01-01"), (owner, "2021-01-02"), (owner, "2021-01-03")]
    assert exported(str(hub.node.id)) == [(one, "2021-01-01"), (stranger, "2021-01-04")]


@pytest.mark.parametrize("query", [{"entity": "X"}, {"entity": "EVENT"}, {"eventType": "zz"}])
def test_bad_exports(hub: Hub, query: dict[str, str]) -> None:
    assert hub.trusted.get(f"{hub.path}/nodes/{hub.node.id}/export", query=query).status == 400


TEXTS = st.one_of(
    st.text(alphabet=st.sampled_from(",;|\t\r\n'\"=+-@＝x null[]{}"), max_size=8),
    st.sampled_from(TRICKY),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
)
VALUES = st.one_of(
    st.none(), TEXTS, st.booleans(), st.integers(-9, 9), st.lists(TEXTS, min_size=1, max_size=3)
)


@given(st.lists(VALUES, min_size=1, max_size=6))
def test_a_line_is_guarded_cell_by_cell(values: list[Any]) -> None:
    is_json = [False, *(isinstance(each, list) for each in values)]
    (line,) = guarded([line_of(["0-1", *values])], is_json)
    _, *cells = next(csv.reader(io.StringIO(line, newline=""), strict=True))
    expected = [
        "" if each is None else safe_cell(each) if isinstance(each, str) else json_cell(each)
        for each in values
    ]
    assert cells == expected
    for separator in ",;|\t":
        for row in csv.reader(io.StringIO(line, newline=""), delimiter=separator):
            for cell in row:
                assert not cell.startswith(("=", "+", "@", "\t")), row
                assert not BAD_MINUS.match(cell), row


def test_the_database_renders_what_documents_hold(hub: Hub) -> None:
    """The lines of an export against those that are made of its documents, value by value."""
    extended = {
        "points": {"type": "number"},
        "sizes": {"type": "array", "items": {"type": "string"}},
    }
    assert hub.operator.put(f"{hub.configuration}/properties/extended", extended).status == 200
    for number, text in enumerate(TRICKY):
        posted = hub.post_customer(
            externalId=f"{number} {text}", extra=text, enabled=bool(number % 2),
            base={"contacts": {"email": f"p{number}@x.it"}, "firstName": text,
                  "subscriptions": [{"id": "news", "name": text, "subscribed": True}]},
            extended={"points": number - 2.5, "sizes": [text or "S", 'M"']},
            consents={"profiling": {"online": {"status": number % 3 == 0}}},
        )  # fmt: skip
        assert posted.status == 201, posted.content
    workspace = latest_rules_of(hub.workspace.id)
    assert workspace is not None
    node = workspace.nodes[hub.node.id]
    lines = exported_lines(workspace, node, Export())
    records = exported(workspace, node, Export())
    rows = [next(csv.reader(io.StringIO(line, newline=""))) for line in lines.lines]
    expected = [
        [displayed(value_at(document, path)) for path in records.columns]
        for document in records.documents
    ]
    assert len(rows) == len(TRICKY)
    displayed_rows = [
        [displayed_cell(cell, is_json) for cell, is_json in zip(row, lines.is_json, strict=True)]
        for row in rows
    ]
    assert displayed_rows == expected


def displayed(value: Any) -> Any:
    if value is None or isinstance(value, list | dict):
        return value or None
    return (value or None) if isinstance(value, str) else json.dumps(value)


def displayed_cell(cell: str, is_json: bool) -> Any:
    return (json.loads(cell) if is_json else cell) if cell else None
