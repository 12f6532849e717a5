"""Columns in any order, and faults that are told by the file's own columns and lines."""

from __future__ import annotations

import csv
import io
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjobs.domain.cells import CellRules
from bulkjobs.domain.columns import Column
from bulkjobs.domain.faults import BadFile, BadRow
from bulkjobs.domain.files.csv_rows import CsvRows
from bulkjobs.domain.row_bodies import column_of, place_of, read_row
from customers.models import Customer
from events.models import Event
from tests.bulkjobs.test_jobs import done, outcomes, upload
from tests.factories import Hub

LIST = '[{"id":"offers","subscribed":false},{"id":"weekly","name":"Weekly","subscribed":true}]'
EVENTS = {"entity": "EVENT", "eventType": "completedOrder"}


def body(cells: dict[str, str], kinds: dict[str, str]) -> dict[str, Any]:
    columns = [Column(name, name, kinds[name], position) for position, name in enumerate(cells)]
    columns.sort(key=lambda column: column.path.count("."))
    return read_row(columns, list(cells.values()), CellRules()).body


@pytest.mark.parametrize("turned", [False, True])
def test_a_subscription_by_columns_adds_to_the_list(hub: Hub, turned: bool) -> None:
    cells = {
        "base.contacts.email": "d@x.it",
        "base.subscriptions": LIST,
        "base.subscriptions.weekly.kind": "SERVICE",
        "base.subscriptions.daily.subscribed": "true",
    }
    names = list(reversed(cells)) if turned else list(cells)
    out = io.StringIO()
    csv.writer(out).writerows([names, [cells[name] for name in names]])
    (row,) = done(hub, out.getvalue())
    assert row["outcome"] == "created", row
    stored = {each["id"]: each for each in Customer.objects.get().base["subscriptions"]}
    assert set(stored) == {"offers", "weekly", "daily"}
    assert (stored["weekly"]["kind"], stored["weekly"]["name"]) == ("SERVICE", "Weekly")


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [("null", "true"), ('["x"]', ""), ('[[1],null]', ""), (LIST, "true"), ('[{"id":"offers","subscribed":1}]', "true")],
)  # fmt: skip
def test_columns_that_contradict_each_other_are_refused(hub: Hub, wide: str, narrow: str) -> None:
    names = ["base.contacts.email", "base.subscriptions", "base.subscriptions.offers.subscribed"]
    reported = set()
    for order in itertools.permutations(range(3)):
        out = io.StringIO()
        cells = ["d@x.it", wide, narrow]
        csv.writer(out).writerows(
            [[names[each] for each in order], [cells[each] for each in order]]
        )
        (row,) = done(hub, out.getvalue())
        assert row["outcome"] == "failed"
        reported.add((row["error"], row["column"], row["code"]))
    ((error, column, code),) = reported
    if narrow:
        assert (column, code) == (names[2], "contradiction")
        assert error == f"{names[2]} contradicts column {names[1]}"
    else:
        assert column == names[1]


KINDS = {
    "contextInfo": "object",
    "contextInfo.client": "object",
    "contextInfo.client.ip": "text",
    "contextInfo.store": "object",
    "contextInfo.store.id": "text",
}
CELLS = {
    "contextInfo": ["", "null", '{"client":{"ip":"1"}}', '{"store":{"id":"A","name":"N"}}', '{"client":null}'],
    "contextInfo.client": ["", "null", '{"ip":"1"}', '{"ip":"2"}', '{"userAgent":"u"}'],
    "contextInfo.client.ip": ["", "null", "1", "2"],
    "contextInfo.store": ["", '{"id":"A"}', '{"id":"B","name":"N"}'],
    "contextInfo.store.id": ["", "null", "A"],
}  # fmt: skip


def naive(cells: dict[str, str]) -> dict[str, Any] | None:
    """The leaves that all the cells together say; None when two say different things of one."""
    mapped: set[tuple[tuple[str, ...], str | None]] = set()

    def leaves(path: tuple[str, ...], value: Any) -> None:
        if isinstance(value, dict) and value:
            for name, inner in value.items():
                leaves((*path, name), inner)
        else:
            mapped.add((path, value))

    for name, cell in cells.items():
        if cell:
            kind = KINDS[name]
            value = (
                None if cell == "null" else eval(cell, {"null": None}) if kind == "object" else cell
            )
            leaves(tuple(name.split(".")), value)
    for (one, first), (other, second) in itertools.permutations(mapped, 2):
        if other[: len(one)] == one and (len(other) > len(one) or first != second):
            return None
    whole: dict[str, Any] = {}
    for path, value in mapped:
        level = whole
        for name in path[:-1]:
            level = level.setdefault(name, {})
        level[path[-1]] = value
    return whole


@given(
    order=st.permutations(list(KINDS)),
    cells=st.fixed_dictionaries({name: st.sampled_from(CELLS[name]) for name in KINDS}),
)
def test_whatever_order_columns_stand_in_rows_say_the_same(
    order: list[str], cells: dict[str, str]
) -> None:
    expected = naive(cells)
    try:
        found: Any = body({name: cells[name] for name in order}, KINDS)
    except BadRow:
        found = None
    assert found == expected


def test_faults_name_columns_of_the_file(hub: Hub) -> None:
    rows = done(
        hub,
        "base.contacts.email,base.subscriptions.offers.subscribed,base.subscriptions.weekly.subscribed,"
        "base.subscriptions.weekly.kind,base.likes\n"
        'a@x.it,true,true,NONSENSE,\nb@x.it,,,,"[{""id"":""1""},{""category"":7}]"\nc@x.it,,,SERVICE,\n',
    )
    assert outcomes(rows) == ["failed"] * 3
    assert [row["column"] for row in rows] == [
        "base.subscriptions.weekly.kind", "base.likes", "base.subscriptions.weekly.subscribed",
    ]  # fmt: skip
    assert rows[0]["error"].startswith("base.subscriptions.weekly.kind ")
    (row,) = done(
        hub, 'base.contacts.email,base.subscriptions\nd@x.it,"[{""id"":""s"",""kind"":1}]"\n'
    )
    assert row["column"] == "base.subscriptions"
    (row,) = done(hub, "base.firstName\nDora\n")
    assert row["column"] == "base.contacts.email", "the column that is missing"


def test_places_and_columns() -> None:
    given = {"base": {"subscriptions": [{"id": "a.b/c"}, "no", {}]}}
    assert place_of("/base/subscriptions/0/kind", given) == "base.subscriptions.a.b/c.kind"
    for index in ("1", "2", "9", "x"):
        pointer = f"/base/subscriptions/{index}/kind"
        assert place_of(pointer, given) == f"base.subscriptions.{index}.kind"
        assert (
            place_of(pointer, {"base": {"subscriptions": None}})
            == f"base.subscriptions.{index}.kind"
        )
    assert place_of("", {}) == ""
    assert place_of("/extended/a~1b~0c", {}) == "extended.a/b~c"
    columns = ["base", "base.contacts.email", "base.contacts.phone"]
    assert column_of("base.contacts.email", columns) == "base.contacts.email"
    assert column_of("base.contacts.emails", columns) == "base"
    assert column_of("base.contacts", columns[1:]) == "base.contacts.email"
    assert column_of("tags.manual", columns) == "tags.manual"


OPEN_QUOTES = [
    ('base.contacts.email,base.firstName\nd@x.it,D\ne@x.it,"E\nf@x.it,F\n', 3),
    ('base.contacts.email,base.firstName\nd@x.it,D\ne@x.it,"E\nf@x.it,"F"\ng@x.it,G\n', 3),
    ('base.contacts.email,base.firstName\r\n"d\r\n@x.it","D\r\ne@x.it,E\r\nf@x.it,F\r\n', 3),
    ('base.contacts.email,base.firstName\n"a\n""b"",\nc","D"\n"e@x.it,E\n', 5),
    ('base.contacts.email,base.firstName\nd@x.it,"D\n' + "x" * 1000 + "\n" * 400_001, 2),
    ('"base.contacts.email\nd@x.it\n', 1),
]  # fmt: skip


@pytest.mark.parametrize(("file", "line"), OPEN_QUOTES)
def test_an_unclosed_quote_is_reported_at_its_own_line(hub: Hub, file: str, line: int) -> None:
    job = upload(hub, file)
    assert job["status"] == "FAILED"
    assert job["errorMessage"].startswith(f"line {line}: a quote is not closed")


@given(
    st.lists(
        st.lists(st.text('ab",\n;', max_size=6), min_size=2, max_size=3), min_size=1, max_size=5
    ),
    st.data(),
)
def test_wherever_a_quote_is_left_open_its_line_is_reported(
    rows: list[list[str]], data: Any
) -> None:
    """Against a model: a file that is right, and behind it a cell that never ends."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([["h", "i"], *rows])
    before = data.draw(st.lists(st.text('ab",\n', max_size=5), max_size=3))
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator=",").writerows([before] if before else [])
    line = out.getvalue().count("\n") + 1
    tail = data.draw(st.text("ab,\n", max_size=8))
    with pytest.raises(BadFile, match=f"^line {line}: a quote is not closed"):
        list(CsvRows(io.StringIO(out.getvalue() + '"' + tail, newline=""), separator=","))


def test_an_events_two_names_of_a_customer_must_agree(hub: Hub) -> None:
    one = hub.post_customer(externalId="C-1", base={"contacts": {"email": "a@x.it"}})["id"]
    other = hub.post_customer(base={"contacts": {"email": "b@x.it"}})["id"]
    header = "customerId,externalId,context,properties.orderId\n"
    rows = done(
        hub,
        f"{header}{one},C-1,RETAIL,1\n{one}, C-1 ,RETAIL,2\n{one},c-1,RETAIL,3\n{other},C-1,RETAIL,4\n"
        f"{one},,RETAIL,5\n,C-1,RETAIL,6\n{one},null,RETAIL,7\nnonsense,C-1,RETAIL,8\n",
        "INSERT",
        **EVENTS,
    )
    assert outcomes(rows) == ["created", "created", "failed", "failed", *["created"] * 3, "failed"]
    assert {(row["column"], row["code"]) for row in rows[2:4]} == {("externalId", "contradiction")}
    assert rows[7]["column"] == "customerId"
    orders = {each.properties["orderId"]: str(each.customer_id) for each in Event.objects.all()}
    assert orders == dict.fromkeys("12567", one)


def test_a_deletion_by_id_and_external_id_needs_both_to_fit(hub: Hub) -> None:
    one = hub.post_customer(externalId="C-1")["id"]
    assert outcomes(done(hub, f"id,externalId\n{one},C-2\n", "DELETE")) == ["failed"]
    assert outcomes(done(hub, f"id,externalId\n{one},C-1\n", "DELETE")) == ["deleted"]
