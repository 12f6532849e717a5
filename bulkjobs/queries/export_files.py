"""Renders exports as files: CSV, JSON lines, Excel workbooks."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import islice
from typing import Any

import openpyxl
import orjson
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from bulkjobs.domain.cells import REMOVES, json_cell, plain_text, safe_cell
from bulkjobs.domain.csv_lines import guarded
from bulkjobs.queries.export_requests import Export
from bulkjobs.queries.exports import ROWS_AT_A_TIME, Lines, Records, exported, exported_lines
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import TooLarge
from customers.domain.paths import value_at

BYTE_ORDER_MARK = "\ufeff".encode()
MOST_WORKBOOK_ROWS = 100_000
LONGEST_WORKBOOK_TEXT = 32_767
PIECE = 1 << 16


class ExportFormat(StrEnum):
    """Formats of exports."""

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


# Wraps an iterable of rows, for counting them.
Counted = Callable[[Iterable[Any]], Iterable[Any]]


def exported_file(
    workspace: WorkspaceRules,
    node: NodeRules,
    export: Export,
    file_format: ExportFormat,
    *,
    mark: bool = False,
    counted: Counted = iter,
) -> Iterator[bytes]:
    """Yield an export of a node as a file, by pieces.

    `mark` puts a byte order mark before CSV, for Excel. Raises TooLarge for more than a workbook
    can hold, before the first piece.
    """
    if file_format is ExportFormat.CSV:
        found = exported_lines(workspace, node, export)
        return _csv(replace(found, lines=counted(found.lines)), BYTE_ORDER_MARK if mark else b"")
    records = exported(workspace, node, export)
    records = replace(records, documents=counted(records.documents))
    if file_format is ExportFormat.XLSX:
        return _pieces(_workbook(records))
    return _json_lines(records)


def template_file(columns: list[str], file_format: ExportFormat) -> Iterator[bytes]:
    """Return a file with a header only."""
    if file_format is ExportFormat.XLSX:
        return _pieces(_workbook(Records(columns, [])))
    return _csv(Lines(columns, [], []), b"")


# A tree of columns: names map to trees, or to True for a column.
Tree = dict[str, Any]


def _tree(columns: Sequence[str]) -> Tree:
    tree: Tree = {}
    for path in columns:
        *parents, name = path.split(".")
        level = tree
        for parent in parents:
            level = level.setdefault(parent, {})
        level[name] = True
    return tree


def _csv(found: Lines, before: bytes) -> Iterator[bytes]:
    lines = guarded(found.lines, found.is_json)
    some = [",".join(found.columns), *islice(lines, ROWS_AT_A_TIME)]
    while some:
        yield before + _file_of(some)
        before = b""
        some = list(islice(lines, ROWS_AT_A_TIME))


def _file_of(lines: Iterable[str]) -> bytes:
    return "".join(f"{each}\r\n" for each in lines).encode()


def _json_lines(records: Records) -> Iterator[bytes]:
    """Yield documents of the columns' values, without absent ones."""
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
        if place is True:
            selected[name] = value
        elif below := _selected(place, value):
            selected[name] = below
    return selected


def _workbook(records: Records) -> io.BytesIO:
    """Return a workbook, in memory as its rows are bounded; texts are never formulas there."""
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
