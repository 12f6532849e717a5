"""Files as people have them: encodings, separators, containers, workbooks, and what is none."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjobs.domain.faults import BadFile
from bulkjobs.domain.files import containers
from bulkjobs.domain.files.encodings import NAMES
from bulkjobs.domain.files.tables import FileOptions, KeptTable, Layout, kept_form, layout_of
from customers.models import Customer
from events.models import Event
from tests.bulkjobs.test_jobs import done, jobs_path, outcomes, process, results, upload
from tests.factories import Hub

FILES = Path(__file__).parent / "files"
MOST = 1 << 26
NO_WISHES = FileOptions()


def rows_of(
    raw: bytes, wishes: FileOptions = NO_WISHES, most: int = MOST
) -> tuple[Layout, list[Any]]:
    """The layout of a file, and its header and rows by the lines at which they begin."""
    layout = layout_of(io.BytesIO(raw), wishes, most_bytes=most)
    kept = raw
    if not layout.is_kept_as_it_came:
        kept = b"".join(kept_form(io.BytesIO(raw), layout, most_bytes=most))
    table = KeptTable(io.BytesIO(kept), layout)
    return layout, list(table)


def emails() -> set[str]:
    return {each.base["contacts"]["email"] for each in Customer.objects.all()}


@pytest.mark.parametrize(
    ("name", "encoding", "separator"),
    [
        ("utf-16.csv", "UTF-16", ","),
        ("utf-16-without-mark.csv", "UTF-16LE", ","),
        ("sep.csv", "UTF-8", ";"),
        ("tabs.csv", "UTF-8", "\t"),
        ("empty-columns-behind.csv", "UTF-8", ","),
    ],
)
def test_the_kind_of_a_file_is_detected_and_reported(
    hub: Hub, name: str, encoding: str, separator: str
) -> None:
    job = upload(hub, (FILES / name).read_bytes())
    assert job["status"] == "LOADED", job.content
    assert process(seconds=60)
    assert outcomes(results(hub, job)) == ["created"]
    assert emails() == {"mara@example.com"}
    report = hub.trusted.get(f"{jobs_path(hub)}/{job['id']}/report")
    assert (report["format"], report["encoding"], report["separator"]) == (
        "csv",
        encoding,
        separator,
    )
    assert report["columns"][:2] == [
        {"header": "externalId", "property": "externalId"},
        {"header": "base.contacts.email", "property": "base.contacts.email"},
    ]
    assert report["outcomes"]["created"] == 1


def test_windows_1252_keeps_its_letters(hub: Hub) -> None:
    assert outcomes(done(hub, (FILES / "windows-1252.csv").read_bytes())) == ["created"] * 2
    assert {each.base["firstName"] for each in Customer.objects.all()} == {"Zoë", "Nicolò"}


def test_the_sender_may_name_the_encoding(hub: Hub) -> None:
    raw = "externalId,base.firstName,base.contacts.email\n1,Łukasz,l@x.it\n".encode("cp1250")
    (row,) = done(hub, raw, encoding="windows-1250")
    assert row["outcome"] == "created"
    assert Customer.objects.get().base["firstName"] == "Łukasz"
    job = upload(hub, "externalId\nè\n".encode("latin-1"), encoding="utf8")
    assert (job["status"], job["errorMessage"]) == ("FAILED", "line 2: not UTF-8")
    for bad in ("klingon", "base64", "rot13", "\0"):
        answer = upload(hub, b"externalId\n", encoding=bad)
        assert (answer.status, answer.paths) == (400, {"/encoding"})


def test_a_file_that_is_mostly_utf_8_is_not_guessed_at() -> None:
    raw = "externalId,base.firstName\n1,Zoë\n2,Nicolò\n3,Ugo à\n".encode() + b"4,Jos\xe9\n"
    with pytest.raises(BadFile, match="UTF-8 in most places"):
        rows_of(raw)


@pytest.mark.parametrize("place", [0, 1 << 20, (1 << 20) - 1, (1 << 20) + 5])
def test_one_letter_anywhere_determines_the_encoding(place: int) -> None:
    raw = b"a" * place + "ò".encode("cp1252") + b"\n"
    layout, rows = rows_of(b"h\n" + raw[:300_000] + b"\n" + raw[-10:])
    assert layout.encoding == "windows-1252"
    assert rows[-1].cells[0].endswith("ò")


def test_blank_cells_columns_and_rows_are_no_faults(hub: Hub) -> None:
    assert outcomes(done(hub, (FILES / "empty-cells-behind.csv").read_bytes())) == ["created"] * 2
    job = upload(hub, (FILES / "empty-rows.csv").read_bytes())
    assert process(seconds=60)
    assert [row["row"] for row in results(hub, job)] == ["2", "6"]
    reported = hub.trusted.get(f"{jobs_path(hub)}/{job['id']}")
    assert (reported["totalEntities"], reported["processedEntities"]) == (2, 2)
    assert hub.trusted.get(f"{jobs_path(hub)}/{job['id']}/report")["blankRows"] == 3
    rows = done(hub, "externalId,,base.contacts.email\n1,x,a@x.it\n2,,b@x.it\n3,,c@x.it,y\n")
    assert outcomes(rows) == ["failed", "created", "failed"]
    assert [row["error"][:6] for row in rows] == ["cell 2", "", "cell 4"]


def order(hub: Hub, total: str, header_end: str = "", **fields: str) -> tuple[str, Any]:
    """The outcome of an order with a total, and the total that is kept."""
    separator = fields.pop("separator", ";")
    cells = ["externalId", "context", "properties.orderId", "properties.amount.total"]
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows([cells, ["1", "RETAIL", "o", total]])
    event = {"entity": "EVENT", "eventType": "completedOrder"}
    (row,) = done(hub, out.getvalue(), "INSERT", **event, **fields)
    if row["outcome"] == "failed":
        return row["error"], None
    return row["outcome"], Event.objects.get(id=row["id"]).properties["amount"]["total"]


def test_decimal_commas(hub: Hub) -> None:
    event = {"entity": "EVENT", "eventType": "completedOrder"}
    (row,) = done(hub, (FILES / "decimal-comma.csv").read_bytes(), "INSERT", **event)
    assert Event.objects.get(id=row["id"]).properties["amount"]["total"] == 24.5
    for text, number in (("19,90", 19.9), ("19.90", 19.9), ("-3", -3), ("1,234", 1.234)):
        assert order(hub, text) == ("created", number)
        assert order(hub, text, separator="\t") == ("created", number)
    for text in ("1.234", "1.234,50", "1,234.50", "1,234,567", "1'234"):
        assert order(hub, text)[1] is None, text
    assert "decimal mark" in order(hub, "1.234")[0]
    assert order(hub, "1.234", decimal=".") == ("created", 1.234)
    assert order(hub, "1.234", decimal=",")[1] is None
    assert order(hub, "1,5", separator=",")[1] is None
    assert order(hub, "1,5", separator=",", decimal=",") == ("created", 1.5)


def book(rows: list[list[Any]], *more: tuple[str, list[list[Any]]]) -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = "People"
    for row in rows:
        sheet.append(row)
    for title, others in more:
        other = made.create_sheet(title)
        for row in others:
            other.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def test_a_workbook(hub: Hub) -> None:
    rows = [
        [
            "externalId",
            "base.contacts.email",
            "base.dob",
            "base.address.geo.lat",
            "base.address.geo.lon",
            "enabled",
        ],
        [42, "mara@example.com", date(1987, 5, 6), 41.5, 12, True],
        [],
        ["0043", "luca@example.com", None, 1.234, 0.5, None, None],
    ]
    people = book(rows, ("Others", [["externalId", "base.contacts.email"], ["7", "o@x.it"]]))
    job = upload(hub, people)
    assert job["status"] == "LOADED", job.content
    assert process(seconds=60)
    reported = results(hub, job)
    assert [(row["row"], row["outcome"]) for row in reported] == [
        ("2", "created"),
        ("4", "created"),
    ]
    mara = Customer.objects.get(external_id="42")
    assert (mara.base["dob"], mara.base["address"]["geo"]["lat"]) == ("1987-05-06", 41.5)
    assert Customer.objects.get(external_id="0043").base["address"]["geo"]["lat"] == 1.234
    report = hub.trusted.get(f"{jobs_path(hub)}/{job['id']}/report")
    assert (report["format"], report["sheet"], report["encoding"]) == ("xlsx", "People", None)
    for sheet in ("Others", "2"):
        assert done(hub, people, sheet=sheet)[0]["outcome"] in {"created", "unchanged"}
    assert Customer.objects.filter(external_id="7").exists()
    refused = upload(hub, people, sheet="Nobody")
    assert "no sheet 'Nobody', but People, Others" in refused["errorMessage"]


def test_a_workbook_is_gone_on_with_wherever_a_slice_ended(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bulkjobs.actions import processing

    monkeypatch.setattr(processing, "CHUNK", 1)
    monkeypatch.setattr(processing, "SLICE_SECONDS", 0.0)
    people = [[f"p{each}@x.it"] if each % 3 else [] for each in range(1, 12)]
    rows = done(hub, book([["base.contacts.email"], *people]))
    assert outcomes(rows) == ["created"] * 8
    assert [int(row["row"]) for row in rows] == [3 - 1, 3, 5, 6, 8, 9, 11, 12]


def packed(name: str, raw: bytes, *more: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, raw)
        for other in more:
            archive.writestr(other, b"x")
    return out.getvalue()


def test_compressed_files(hub: Hub) -> None:
    raw = "externalId;base.contacts.email;base.firstName\n1;a@x.it;Zoë\n".encode("cp1252")
    for number, content in enumerate(
        (gzip.compress(raw), packed("a/people.csv", raw), packed("p.csv", raw, "__MACOSX/p.csv"))
    ):
        (row,) = done(hub, content)
        assert row["outcome"] == ("unchanged" if number else "created")
    assert Customer.objects.get().base["firstName"] == "Zoë"


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        (packed("a.csv", b"x", "b.csv"), "2 files"),
        (packed("a.xlsx", book([["externalId"]])), "workbook or another zip"),
        (packed("content.xml", b"<x/>", "mimetype"), "OpenDocument"),
        (packed("xl/workbook.bin", b"x"), "binary Excel"),
        (b"PK\x03\x04 nonsense", "damaged"),
        (b"PK\x05\x06" + b"\0" * 18, "0 files"),
        (gzip.compress(b"externalId\n" * 99)[:-9], "damaged"),
        (b"\x1f\x8bnonsense", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"  <html><table>", "web page"),
        (b'[{"id":1}]', "JSON"),
        (packed("xl/workbook.xml", b"nonsense"), "damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "file",  # files hold the time
)
def test_a_file_that_is_no_table_is_refused_by_its_name(
    hub: Hub, content: bytes, reported: str
) -> None:
    job = upload(hub, content)
    assert job["status"] == "FAILED"
    assert reported in job["errorMessage"]


def test_bombs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = b"externalId\n" + b"0" * (1 << 22)
    for raw in (gzip.compress(zeros), packed("p.csv", zeros)):
        with pytest.raises(BadFile, match="more than 1000000 bytes"):
            rows_of(raw, most=1_000_000)
        with monkeypatch.context() as patch:
            patch.setattr(containers, "UNSUSPICIOUS_BYTES", 1 << 16)
            with pytest.raises(BadFile, match="times larger"):
                rows_of(raw)
    sheet = book([["externalId"], ["0" * 30_000]])
    with pytest.raises(BadFile, match="more than 9000 bytes"):
        rows_of(sheet, most=9000)
    entities = (
        b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
        b"<workbook>&b;</workbook>"
    )
    with pytest.raises(BadFile, match="damaged"):
        rows_of(packed("xl/workbook.xml", entities, "[Content_Types].xml"))


def test_a_refused_file_leaves_nothing_behind(hub: Hub) -> None:
    from django.core.files.storage import default_storage

    raw = "externalId;no.such\n1;ò\n".encode("cp1252")
    for content in (raw, gzip.compress(raw), book([["no.such"]])):
        assert upload(hub, content)["status"] == "FAILED"
    assert not default_storage.listdir("bulk-jobs")[1]
    assert upload(hub, gzip.compress(b"externalId\n1\n"))["status"] == "LOADED"
    assert len(default_storage.listdir("bulk-jobs")[1]) == 1
    assert process(seconds=60)
    assert not default_storage.listdir("bulk-jobs")[1]


Letters = st.text("abAB12 èß€Ž=+@'\",;|\t\n\r", max_size=6)
Tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(Letters, min_size=width, max_size=width), max_size=6)
)


def is_blank(row: list[str]) -> bool:
    return not any(cell.strip() for cell in row)


@given(
    rows=Tables,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]),
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    container=st.sampled_from(["csv", "gzip", "zip"]),
    says_separator=st.booleans(),
    says_encoding=st.booleans(),
)
def test_any_table_of_any_csv_comes_back(
    rows: list[list[str]],
    encoding: str,
    separator: str,
    end: str,
    container: str,
    says_separator: bool,
    says_encoding: bool,
) -> None:
    """Against what the writers of the standard library were given."""
    width = len(rows[0]) if rows else 1
    header = [f"column{number}" for number in range(max(2, width))]
    out = io.StringIO()
    if says_separator:
        out.write(f"sep={separator}{end}")
    quoting = (
        csv.QUOTE_ALL
        if any("\r" in cell for cell in [end, *itertools.chain(*rows)])
        else csv.QUOTE_MINIMAL
    )
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerows([header, *rows])
    raw = out.getvalue().encode(encoding)
    is_reported = encoding.startswith("utf-16-") or not says_encoding
    name = {"utf-8-sig": "UTF-8", "cp1252": "windows-1252"}.get(encoding, "")
    names = {codec: label for label, codec in NAMES.items()}
    wishes = FileOptions() if is_reported else FileOptions(name or names[encoding])
    if encoding == "cp1252" and is_reported and not out.getvalue().isascii():
        wishes = FileOptions("windows-1252")  # a few letters do not tell
    if container == "gzip":
        raw = gzip.compress(raw)
    elif container == "zip":
        raw = packed("people.csv", raw)
    layout, found = rows_of(raw, wishes)
    assert layout.separator == separator
    assert [row.cells for row in found] == [
        header, *(row for row in rows if not is_blank(row))
    ]  # fmt: skip


@given(
    rows=st.lists(
        st.lists(
            st.one_of(
                st.none(), st.text("abè €'\n=", max_size=5), st.integers(-(10**9), 10**9),
                st.booleans(), st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 3)),
            ),
            max_size=4,
        ),
        max_size=6,
    )
)  # fmt: skip
def test_any_table_of_a_workbook_comes_back(rows: list[list[Any]]) -> None:
    def text(value: Any) -> str:
        if value is None or value == "":
            return ""
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, float):
            return str(int(value)) if value == int(value) else str(value)
        return str(value)

    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    for number, row in enumerate([["header"], *rows], 1):
        for column, value in enumerate(row, 1):
            cell = sheet.cell(number, column)
            cell.value = value  # type: ignore[union-attr]
            if isinstance(value, str):
                cell.data_type = "s"  # no formula
    out = io.BytesIO()
    made.save(out)
    _, found = rows_of(out.getvalue())
    expected = [(number, [text(cell) for cell in row]) for number, row in enumerate(rows, 2)]
    kept = [(line, cells) for line, cells in expected if not is_blank(cells)]
    for (line, cells), row in zip(kept, found[1:], strict=True):
        while cells and not cells[-1]:
            cells.pop()
        assert (row.line, row.cells) == (line, cells)
