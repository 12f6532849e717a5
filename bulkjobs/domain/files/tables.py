"""Files as people have them, and the form in which jobs keep them.

A job's file is kept as CSV in UTF-8, or, when it was a workbook, as one JSON list for each row of
the sheet: either can be gone on with at any row. CSV in UTF-8 is kept as it came.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from typing import IO, Any

import orjson

from bulkjobs.domain.faults import BadFile
from bulkjobs.domain.files.containers import Container, container_of, unpacked
from bulkjobs.domain.files.csv_rows import CsvRows, FileRow, detect_dialect
from bulkjobs.domain.files.encodings import UTF_8, decoded, detect_encoding
from bulkjobs.domain.files.workbooks import sheet_rows

BYTE_ORDER_MARK = "\ufeff"
HEAD = 64 * 1024  # characters by which the separator is detected


@dataclass(frozen=True, slots=True)
class Layout:
    """What a file was found to be; `sheet` is of workbooks, the others of CSV."""

    container: Container
    encoding: str | None = None
    separator: str | None = None
    lines_before: int = 0
    sheet: str | None = None

    @property
    def is_kept_as_it_came(self) -> bool:
        return self.container is Container.CSV and self.encoding == UTF_8

    def as_json(self) -> dict[str, Any]:
        """The layout as `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Any) -> Layout:
        return cls(**document | {"container": Container(document["container"])})


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the sender of a file says of it: a known encoding, a sheet by name or number."""

    encoding: str | None = None
    sheet: str | None = None


def layout_of(file: IO[bytes], wishes: Wishes, *, most_bytes: int, is_whole: bool = True) -> Layout:
    """What a file is; raises BadFile saying what it is when it cannot be used.

    `most_bytes` is how large it may be unpacked; `is_whole` unless it is only the beginning of one.
    """
    container = container_of(file)
    if container is Container.XLSX:
        with sheet_rows(file, wishes.sheet, most_bytes=most_bytes) as (sheet, _):
            return Layout(container, sheet=sheet)
    with unpacked(file, container, most_bytes=most_bytes) as text:
        encoding = wishes.encoding or detect_encoding(text, is_whole=is_whole)
        dialect = detect_dialect(next(decoded(text, encoding, is_whole=is_whole), "")[:HEAD])
    return Layout(container, encoding, dialect.separator, dialect.lines_before)


def kept_form(
    file: IO[bytes], layout: Layout, *, most_bytes: int, is_whole: bool = True
) -> Iterator[bytes]:
    """What is kept of a file, by pieces; raises BadFile."""
    if layout.container is Container.XLSX:
        with sheet_rows(file, layout.sheet, most_bytes=most_bytes) as (_, rows):
            while batch := list(islice(rows, 1000)):
                yield b"".join(orjson.dumps(cells) + b"\n" for cells in batch)
        return
    assert layout.encoding is not None
    with unpacked(file, layout.container, most_bytes=most_bytes) as text:
        for piece in decoded(text, layout.encoding, is_whole=is_whole):
            yield piece.encode()


class KeptTable:
    """The rows of a kept file, from its beginning or from `offset`, after `lines` lines.

    Rows without anything in them are left out. After each row `offset` is the byte at which the
    next one begins, `lines` how many lines are before it, and `blank` how many rows were left out.
    """

    def __init__(self, file: Any, layout: Layout, *, offset: int = 0, lines: int = 0) -> None:
        self._file = file
        self.offset = offset
        self.lines = lines
        self.blank = 0
        if layout.container is Container.XLSX:
            file.seek(offset)
            self._rows = self._of_workbook()
        else:
            self._rows = self._of_csv(layout)

    def header(self) -> list[str]:
        """The first row with anything in it; raises BadFile when there is none."""
        first = next(self._rows, None)
        if first is None:
            raise BadFile("the file is empty")
        self.blank = 0
        return first.cells

    def __iter__(self) -> Iterator[FileRow]:
        """The rows from here on; raises BadFile."""
        return self._rows

    def _of_workbook(self) -> Iterator[FileRow]:
        for line in self._file:
            self.offset += len(line)
            self.lines += 1
            row = FileRow(self.lines, orjson.loads(line))
            if row.is_blank():
                self.blank += 1
            else:
                yield row

    def _of_csv(self, layout: Layout) -> Iterator[FileRow]:
        """Lines are found in Latin-1, in which every byte is a character, and decoded one by one.

        So bytes are counted at the speed of reading text.
        """
        text = io.TextIOWrapper(self._file, encoding="latin-1", newline="")
        try:
            text.seek(self.offset)
            lines = self._decoded_lines(text)
            if self.offset == 0:
                for _ in islice(lines, layout.lines_before):
                    self.lines += 1
            rows = CsvRows(lines, separator=layout.separator or ",", lines_before=self.lines)
            for row in rows:
                self.lines = rows.lines_read
                if row.is_blank():
                    self.blank += 1
                else:
                    yield row
        finally:
            with suppress(ValueError):  # the file is closed already
                text.detach()

    def _decoded_lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        readline = text.readline
        while raw := readline():
            line = raw.encode("latin-1").decode()
            if self.offset == 0:
                line = line.removeprefix(BYTE_ORDER_MARK)
            self.offset += len(raw)
            yield line
