"""Cells as people write them, and columns as people name them."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bulkjobs.domain.cells import (
    CellRules,
    DateOrder,
    DecimalMark,
    plain_text,
    safe_cell,
    safe_raw_cell,
)
from bulkjobs.domain.headers import USUAL_NAMES
from configuration.domain.customer_schema import CustomerSchema
from customers.models import Customer
from tests.bulkjobs.test_jobs import done, jobs_path, outcomes, process, results, upload
from tests.factories import Hub

FILES = Path(__file__).parent / "files"
LENIENT = CellRules(is_lenient=True, date_order=DateOrder.DMY)


@pytest.mark.parametrize(
    ("cell", "kind", "value"),
    [
        ("yes", "boolean", True), ("No", "boolean", False), ("sì", "boolean", True),
        ("Si", "boolean", True), ("oui", "boolean", True), ("JA", "boolean", True),
        ("1", "boolean", True), ("0", "boolean", False), ("TRUE", "boolean", True),
        (" false ", "boolean", False),
        ("+5", "number", 5), (".5", "number", 0.5), ("-.5", "number", -0.5), ("5.", "number", 5.0),
        ("'7", "number", 7), ('="7"', "number", 7), ("1e3", "number", 1000.0),
        ("1990-01-02", "date", "1990-01-02"), ("1990-01-02 00:00:00", "date", "1990-01-02"),
        ("1990-01-02T00:00:00Z", "date", "1990-01-02"), ("02/01/1990", "date", "1990-01-02"),
        ("2/1/1990", "date", "1990-01-02"), ("02.01.1990 00:00", "date", "1990-01-02"),
        ("1990/1/2", "date", "1990-01-02"),
        ("2026-10-01 10:00:00 +0200", "moment", "2026-10-01T10:00:00+0200"),
        ("2026-10-01 10:00", "moment", "2026-10-01T10:00:00Z"),
        ("1/10/2026 3:05 PM", "moment", "2026-10-01T15:05:00Z"),
        ("1/10/2026 12:05 am", "moment", "2026-10-01T00:05:00Z"),
        ("2026-10-01T10:00:00.250Z", "moment", "2026-10-01T10:00:00.250Z"),
        ("1546300800000", "moment", "1546300800000"),
        ("'00187", "text", "00187"), ('="00187"', "text", "00187"), ("'+39 347", "text", "+39 347"),
        ("  Mara ", "text", "Mara"), ("'Ndrangheta", "text", "'Ndrangheta"), ("'null", "text", "null"),
        ("a| '01 |b", "list of text", ["a", "01", "b"]), ("yes|no", "list of boolean", [True, False]),
    ],
)  # fmt: skip
def test_lenient_cells(cell: str, kind: str, value: Any) -> None:
    found = LENIENT.value(cell, kind)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("maybe", "boolean"), ("2", "boolean"), ("1,5", "number"), ("1.234,5", "number"),
        ("1 000", "number"), ("", "number"), (".", "number"), ("+", "number"),
        ("31/02/1990", "date"), ("13/13/1990", "date"), ("1/2/90", "date"), ("1990-13-01", "date"),
        ("1990-01-02 10:30:00", "date"), ("1/1/2020 25 o'clock", "moment"),
        ("1/1/2020 13:00 pm", "moment"),
    ],
)  # fmt: skip
def test_what_lenient_cells_refuse(cell: str, kind: str) -> None:
    with pytest.raises(ValueError, match=r"must be|is no day"):
        LENIENT.value(cell, kind)


def test_the_order_of_dates_is_never_guessed() -> None:
    for text in ("02/01/1990", "25/12/1990"):
        with pytest.raises(ValueError, match="order of dates"):
            CellRules(is_lenient=True).value(text, "date")
    american = CellRules(is_lenient=True, date_order=DateOrder.MDY)
    assert american.value("02/01/1990", "date") == "1990-02-01"
    with pytest.raises(ValueError, match="no day of the calendar, read as MDY"):
        american.value("25/12/1990", "date")


@pytest.mark.parametrize(
    "cell", ["", "  ", "N/A", "n/a", "NULL", "NaN", "\\N", "#N/A", "-", "null"]
)
def test_empty_cells(cell: str) -> None:
    assert LENIENT.is_empty(cell)
    assert CellRules().is_empty(cell) is (cell == "")


@given(st.floats(-1e9, 1e9).map(lambda number: round(number, 4)), st.sampled_from([".", ","]))
def test_numbers_with_either_mark(number: float, mark: str) -> None:
    text = f"{number:.4f}".replace(".", mark)
    assert CellRules(decimal_mark=DecimalMark(mark)).value(text, "number") == number
    other = CellRules(decimal_mark=DecimalMark("." if mark == "," else ","))
    with pytest.raises(ValueError, match="number"):
        other.value(text, "number")
    assert CellRules(decimal_mark=DecimalMark.UNDETERMINED).value(text, "number") == number


SEPARATOR = "[,;|\t\r\n]"
FORMULA = re.compile(rf"(?:^|{SEPARATOR})[=+\-@\t\r\n＝＋－＠]")


@given(st.text("ab'=+-@,;|\t\r\n＝＋－＠nul", max_size=12))
@example("Rossi;=cmd|'/C calc'!A0;x")
@example("'=1")
@example("null")
def test_no_separator_makes_a_formula_and_any_text_comes_back(text: str) -> None:
    """Against a model: a program that takes any of the separators, and knows no quotes."""
    cell = safe_cell(text)
    assert plain_text(cell) == text
    assert not FORMULA.search(cell)
    assert cell not in {"", "null"}


@given(st.text("ab'=+-@,;0.E", max_size=8), st.sampled_from(["text", "number", "boolean"]))
def test_a_raw_cell_says_the_same_again(cell: str, kind: str) -> None:
    def expected(cell: str) -> Any:
        try:
            return CellRules().value(cell, kind)
        except ValueError as fault:
            return str(fault)

    assert expected(safe_raw_cell(cell)) == expected(cell)


def test_files_with_lenient_values(hub: Hub) -> None:
    def lenient(name: str, **fields: str) -> list[dict[str, str]]:
        raw = (FILES / name).read_bytes()
        assert "failed" in outcomes(done(hub, raw)), "strictly"
        return done(hub, raw, values="lenient", **fields)

    spaces = (FILES / "spaces.csv").read_bytes()
    assert outcomes(done(hub, spaces, values="lenient")) == ["created"]
    assert Customer.objects.get().base["contacts"]["email"] == "mara@example.com"
    assert set(outcomes(lenient("date-with-time.csv"))) == {"updated"}
    assert Customer.objects.get(external_id="1").base["dob"] == "1987-05-06"
    assert set(outcomes(lenient("yes.csv"))) == {"updated", "created"}
    reported = {each.base["contacts"]["email"]: each.consents for each in Customer.objects.all()}
    assert reported["mara@example.com"]["profiling"]["online"]["status"] is True
    assert reported["luca@example.com"]["profiling"]["online"]["status"] is False
    Customer.objects.all().delete()
    rows = done(hub, (FILES / "apostrophes.csv").read_bytes(), values="lenient")
    assert outcomes(rows) == ["created"] * 2
    found = {each.external_id: each.base for each in Customer.objects.all()}
    assert set(found) == {"00043", "00044"}
    assert (found["00043"]["address"]["zip"], found["00043"]["contacts"]["phone"]) == (
        "00143",
        "+39 06 1",
    )
    assert [(row["warning"] != "", row["code"], row["column"]) for row in rows] == [
        (False, "", ""), (True, "digitsLost", "base.contacts.phone"),
    ]  # fmt: skip


def test_a_formula_behind_another_separator_is_a_text(hub: Hub) -> None:
    (row,) = done(hub, (FILES / "formula-behind-semicolon.csv").read_bytes())
    assert Customer.objects.get().base["lastName"] == "Bianchi;=cmd|'/C calc'!A0;y"
    answer = hub.trusted.get(f"{hub.path}/nodes/{hub.node.id}/export")
    assert b"Bianchi;'=cmd|'/C calc'!A0;y" in answer.content
    assert row["outcome"] == "created"


def test_an_address_with_a_display_name_is_a_fault_of_its_row(hub: Hub) -> None:
    (row,) = done(hub, (FILES / "display-name.csv").read_bytes(), values="lenient")
    assert (row["outcome"], row["column"]) == ("failed", "base.contacts.email")


def test_usual_headings_and_a_mapping(hub: Hub) -> None:
    raw = (FILES / "headings-of-a-shop.csv").read_bytes()
    job = upload(hub, raw, values="lenient")
    assert job["status"] == "FAILED"
    assert job["errorMessage"].startswith("columns are not known: Accepts Marketing")
    mapping = {"accepts marketing": "consents.marketing.automatic.email.status"}
    (row,) = done(hub, raw, values="lenient", mapping=json.dumps(mapping))
    assert row["outcome"] == "created", row
    assert row["E-mail"] == "mara@example.com", "what identifies the row, as the file names it"
    mara = Customer.objects.get()
    assert (mara.base["firstName"], mara.base["lastName"]) == ("Mara", "Bianchi")
    assert mara.base["contacts"] == {"email": "mara@example.com", "mobilePhone": "+39 333 1"}
    assert mara.base["address"] == {"zip": "00143"}
    (row,) = done(hub, raw, mapping=json.dumps({"Accepts Marketing": None}))
    assert row["outcome"] == "unchanged"


@pytest.mark.parametrize(
    ("header", "mapping", "reported"),
    [
        ("Email,E-Mail", {}, "stand twice: Email and E-Mail"),
        ("Email,frstName", {}, "frstName (is it base.firstName?)"),
        ("Email,Qwxz", {}, "columns are not known: Qwxz"),
        ("Email", {"Mail 2": None}, "a column that is not there: Mail 2"),
        ("Email", {"Email": "base.shoe"}, "a property that is not known: base.shoe"),
        ("Email,x", {"x": "base.contacts.email"}, "stand twice"),
        ("#remark", {}, ""),
    ],
)
def test_headings_that_cannot_be_placed(
    hub: Hub, header: str, mapping: dict[str, str | None], reported: str
) -> None:
    job = upload(hub, f"{header}\n", mapping=json.dumps(mapping))
    assert reported in (job["errorMessage"] or "")
    assert (job["status"] == "FAILED") is bool(reported)


@pytest.mark.parametrize("mapping", ["x", "[]", '{"a": 1}', '{"a": "b"'])
def test_mappings_that_are_none(hub: Hub, mapping: str) -> None:
    answer = upload(hub, "externalId\n", mapping=mapping)
    assert (answer.status, answer.paths) == (400, {"/mapping"})


def test_bad_ways_of_reading(hub: Hub) -> None:
    answer = upload(hub, "externalId\n", values="x", dateOrder="YDM", decimal=";", dryRun="perhaps")
    assert answer.paths == {"/values", "/dateOrder", "/decimal", "/dryRun"}


def test_every_usual_name_means_one_property() -> None:
    names = [name for some in USUAL_NAMES.values() for name in some]
    customers = set(CustomerSchema().kinds())
    assert len(names) == len(set(names)) or {"Data"} >= {n for n in names if names.count(n) > 1}
    for path in USUAL_NAMES:
        known = path in customers or path.split(".")[0] in {
            "date", "context", "sessionId", "eventExternalId", "properties",
        }  # fmt: skip
        assert known, path


def test_a_dry_run_reports_and_writes_nothing(hub: Hub) -> None:
    known = hub.post_customer(base={"contacts": {"email": "b@x.it"}})["id"]
    file = (
        "externalId,base.contacts.email,base.dob\n1,a@x.it,\n2,b@x.it,\n3,c@x.it,soon\n,b@x.it,\n"
    )
    before = list(Customer.objects.values_list("id", "version"))
    job = upload(hub, file, dryRun="true")
    assert job["bulkJobName"] == "Dry run: UPSERT people.csv"
    assert process(seconds=60)
    rows = results(hub, job)
    assert outcomes(rows) == ["created", "updated", "failed", "unchanged"]
    assert [row["id"] for row in rows] == ["", known, "", known]
    assert list(Customer.objects.values_list("id", "version")) == before
    from customers.models import Change

    changes = Change.objects.count()
    report = hub.trusted.get(f"{jobs_path(hub)}/{job['id']}/report")
    assert report["dryRun"] is True
    assert report["outcomes"] == {
        "created": 1, "updated": 1, "unchanged": 1, "deleted": 0, "failed": 1, "forgotten": 0,
    }  # fmt: skip
    assert outcomes(done(hub, "base.contacts.email\nb@x.it\n", "DELETE", dryRun="true")) == [
        "deleted"
    ]
    assert Change.objects.count() == changes
    assert outcomes(done(hub, file)) == ["created", "updated", "failed", "unchanged"]


def failed_rows(hub: Hub, job: Any, **query: str) -> str:
    path = f"{jobs_path(hub)}/{job['id']}/results"
    answer = hub.trusted.get(path, query={"form": "input", **query})
    assert answer.status == 200, answer.content
    text: str = answer.content.decode("utf-8-sig")
    return text


def test_failed_rows_are_mended_and_sent_again(hub: Hub) -> None:
    file = 'Nome;Email;base.dob;\n"A\nB";a@x.it;02/01/1990;\n=x;b@x.it;soon;\n-5;no-email;;\n;c@x.it;;\n'
    fields = {"values": "lenient", "dateOrder": "DMY"}
    job = upload(hub, file, **fields)
    assert process(seconds=60)
    rows = results(hub, job)
    assert [(row["row"], row["outcome"]) for row in rows] == [
        ("2", "created"), ("4", "failed"), ("5", "failed"), ("6", "created"),
    ]  # fmt: skip
    assert [row["Email"] for row in rows] == ["a@x.it", "b@x.it", "no-email", "c@x.it"]
    again = failed_rows(hub, job, outcome="failed")
    lines = list(csv.reader(io.StringIO(again), delimiter=";"))
    assert lines[0] == ["Nome", "Email", "base.dob", "#error"]
    assert [line[:3] for line in lines[1:]] == [["'=x", "b@x.it", "soon"], ["-5", "no-email", ""]]
    assert lines[1][3].startswith("base.dob ")
    mended = again.replace("soon", "3/4/1991")
    job = upload(hub, "\ufeff" + mended, **fields)
    assert process(seconds=60)
    assert outcomes(results(hub, job)) == ["created", "failed"]
    b = Customer.objects.get(base__contacts__email="b@x.it")
    assert (b.base["firstName"], b.base["dob"]) == ("=x", "1991-04-03")
    (header, line) = csv.reader(io.StringIO(failed_rows(hub, job)), delimiter=";")
    assert header == ["Nome", "Email", "base.dob", "#error"]
    assert line[:2] == ["-5", "no-email"]
    only = hub.trusted.get(f"{jobs_path(hub)}/{job['id']}/results", query={"outcome": "failed"})
    assert only.content.decode().count("\n") == 2
    for query in ({"form": "x"}, {"form": "input", "outcome": "created"}, {"outcome": "x"}):
        path = f"{jobs_path(hub)}/{job['id']}/results"
        assert hub.trusted.get(path, query=query).status == 400


def test_cells_of_a_forgotten_person_leave_the_results(hub: Hub) -> None:
    from bulkjobs.models import Result

    rows = done(
        hub, "externalId,base.contacts.email,base.dob\n1,a@x.it,\n1,a@x.it,soon\n2,b@x.it,soon\n"
    )
    assert outcomes(rows) == ["created", "failed", "failed"]
    path = f"{hub.path}/data-protection/customers/{rows[0]['id']}"
    assert hub.clients["DPO"].delete(path).status == 204
    left = [(each.identity, each.cells) for each in Result.objects.order_by("row")]
    assert left[:2] == [(None, None)] * 2
    assert left[2] == (
        {"externalId": "2", "base.contacts.email": "b@x.it"},
        ["2", "b@x.it", "soon"],
    )


def test_a_cell_with_a_zero_is_kept_without(hub: Hub) -> None:
    (row,) = done(hub, "base.contacts.email,base.firstName\na@x.it,\0\n")
    assert (row["outcome"], row["column"]) == ("failed", "base.firstName")
    (row,) = done(hub, "base.contacts.email,base.firstName\n\0,\\u0000\n")
    assert row["outcome"] == "failed"
