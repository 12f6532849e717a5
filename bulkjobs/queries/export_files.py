"""Records as files: CSV, JSON lines, Excel workbooks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from typing import Any

import openpyxl
import orjson
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from bulkjobs.domain.cells import REMOVES, json_cell, plain_text, safe_cell
from bulkjobs.queries.exports import ROWS_AT_A_TIME, Records
from contacthub_project.core.errors import TooLarge
from customers.domain.paths import value_at

BYTE_ORDER_MARK = "\ufeff".encode()
MOST_WORKBOOK_ROWS = 100_000
LONGEST_WORKBOOK_TEXT = 32_767
PIECE = 1 << 16


class ExportFormat(StrEnum):
    """The kinds of files that go out."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"

    @property
    def content_type(self) -> str:
        return {
            ExportFormat.CSV: "text/csv; charset=utf-8",
            ExportFormat.JSONL: "application/x-ndjson",
            ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }[self]


def written(records: Records, file_format: ExportFormat, *, mark: bool = False) -> Iterator[bytes]:
    """Records as a file, by pieces; `mark` puts a byte order mark before CSV, for Excel.

    Raises TooLarge for what no workbook holds, before the first piece.
    """
    if file_format is ExportFormat.XLSX:
        return _pieces(_workbook(records))
    if file_format is ExportFormat.JSONL:
        return _json_lines(records)
    return _csv(records, BYTE_ORDER_MARK if mark else b"")


# A tree of columns: names lead to trees, or to the index of a column.
Tree = dict[str, Any]


def _tree(columns: Sequence[str]) -> Tree:
    tree: Tree = {}
    for index, path in enumerate(columns):
        *parents, name = path.split(".")
        level = tree
        for parent in parents:
            level = level.setdefault(parent, {})
        level[name] = index
    return tree


def _csv(records: Records, before: bytes) -> Iterator[bytes]:
    tree = _tree(records.columns)
    empty = [""] * len(records.columns)
    documents = iter(records.documents)
    out = io.StringIO()
    csv.writer(out).writerow(records.columns)
    while some := list(islice(documents, ROWS_AT_A_TIME)):
        writer = csv.writer(out)
        for document in some:
            cells = empty.copy()
            if _place(tree, document, cells):
                out.write(",".join(map(_quoted, cells)) + "\r\n")
            else:
                writer.writerow(cells)
        yield before + out.getvalue().encode()
        before, out = b"", io.StringIO()
    yield before + out.getvalue().encode()


def _place(tree: Tree, document: Mapping[str, Any], cells: list[str]) -> bool:
    """Put the values of a document into cells; whether one of them is guarded."""
    is_guarded = False
    for name, value in document.items():
        place = tree.get(name)
        if place is None or value is None:
            continue
        if not isinstance(place, int):
            is_guarded = _place(place, value, cells) or is_guarded
        elif isinstance(value, str):
            cells[place] = safe = safe_cell(value)
            is_guarded = is_guarded or safe is not value
        else:
            cells[place] = json_cell(value)
    return is_guarded


def _quoted(cell: str) -> str:
    """A cell with quotes: what a guarded text, too, is taken for by whoever separates otherwise."""
    return '"' + cell.replace('"', '""') + '"' if cell else ""


def _json_lines(records: Records) -> Iterator[bytes]:
    """Documents of what the columns hold, without what is absent."""
    tree = _tree(records.columns)
    documents = iter(records.documents)
    while some := list(islice(documents, ROWS_AT_A_TIME)):
        yield b"".join(orjson.dumps(_selected(tree, document)) + b"\n" for document in some)


def _selected(tree: Tree, document: Mapping[str, Any]) -> dict[str, Any]:
    selected: dict[str, Any] = {}
    for name, value in document.items():
        place = tree.get(name)
        if place is None or value is None:
            continue
        if isinstance(place, int):
            selected[name] = value
        elif below := _selected(place, value):
            selected[name] = below
    return selected


def _workbook(records: Records) -> io.BytesIO:
    """A workbook, in memory as its rows are bounded; texts are never formulas there."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Export")
    sheet.append(records.columns)
    for number, document in enumerate(records.documents, 1):
        if number > MOST_WORKBOOK_ROWS:
            raise TooLarge(f"A workbook holds {MOST_WORKBOOK_ROWS} rows here; ask for csv")
        sheet.append([_workbook_cell(sheet, value_at(document, path)) for path in records.columns])
    out = io.BytesIO()
    book.save(out)
    out.seek(0)
    return out


def _workbook_cell(sheet: Any, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json_cell(value)
    if isinstance(value, str) and (text in {"", REMOVES} or plain_text(text) != text):
        text = safe_cell(text)
    if len(text) > LONGEST_WORKBOOK_TEXT or ILLEGAL_CHARACTERS_RE.search(text):
        raise TooLarge("A value cannot stand in a workbook; ask for csv")
    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"
    return cell


def _pieces(file: io.BytesIO) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece
