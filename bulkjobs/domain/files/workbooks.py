"""Rows of an Excel workbook, as text."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import IO, Any

import openpyxl

from bulkjobs.domain.faults import BadFile
from bulkjobs.domain.files.containers import check_workbook_size

SHARED_TEXTS = "xl/sharedStrings.xml"
# Texts shared by several cells are kept in memory.
MOST_SHARED_TEXTS = 128 << 20  # bytes
EXACT_INTEGERS = 1e15  # Excel keeps 15 digits


@contextmanager
def sheet_rows(
    file: IO[bytes], sheet: str | None, *, most_bytes: int
) -> Iterator[tuple[str, Iterator[list[str]]]]:
    """Return the name of a sheet, and all its rows as texts, each without trailing empty cells.

    `sheet` is its name, or its number from 1 on; the first when it is None. Raises BadFile, also
    while the rows are read.
    """
    check_workbook_size(file, most_bytes=most_bytes)
    with _workbook_faults():
        with zipfile.ZipFile(file) as archive:
            sizes = {each.filename: each.file_size for each in archive.infolist()}
        if sizes.get(SHARED_TEXTS, 0) > MOST_SHARED_TEXTS:
            raise BadFile("the workbook holds too many different texts: save it as CSV in UTF-8")
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    try:
        found = _sheet_of(book, sheet)
        yield found.title, _rows(found)
    finally:
        book.close()


def _sheet_of(book: Any, sheet: str | None) -> Any:
    sheets = {each.title: each for each in book.worksheets}
    if not sheets:
        raise BadFile("the workbook has no sheet with cells")
    if sheet is None:
        return next(iter(sheets.values()))
    if sheet in sheets:
        return sheets[sheet]
    number = int(sheet) if sheet.isdecimal() and sheet.isascii() and len(sheet) < 4 else 0
    if 1 <= number <= len(sheets):
        return list(sheets.values())[number - 1]
    raise BadFile(f"the workbook has no sheet {sheet[:50]!r}, but {', '.join(sheets)[:500]}")


def _rows(sheet: Any) -> Iterator[list[str]]:
    with _workbook_faults():
        sheet.reset_dimensions()  # declared dimensions may be wrong
        for values in sheet.iter_rows(values_only=True):
            cells = [_text(value) for value in values]
            while cells and not cells[-1]:
                cells.pop()
            yield cells


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT_INTEGERS:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


@contextmanager
def _workbook_faults() -> Iterator[None]:
    """Raise BadFile for any exception of the reader, which has none of its own."""
    try:
        yield
    except (BadFile, OSError, MemoryError):
        raise
    except Exception as fault:
        raise BadFile(f"the workbook is damaged ({type(fault).__name__})") from None
