"""Tables in uploaded files, and the seekable form in which jobs store them.

A job's file is stored as CSV in UTF-8, or, for a workbook, as one JSON list for each row of the
sheet: both can be read from any row on. CSV in UTF-8 is stored as it came.
"""

from __future__ import annotations

import io
import tempfile
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
    """The detected format of a file; `sheet` is of workbooks, the others of CSV."""

    container: Container
    encoding: str | None = None
    separator: str | None = None
    lines_before: int = 0
    sheet: str | None = None

    @property
    def is_kept_as_it_came(self) -> bool:
        return self.container is Container.CSV and self.encoding == UTF_8

    @property
    def takes_long(self) -> bool:
        """Return whether converting the file takes minutes for a million rows."""
        return self.container is Container.XLSX

    def as_json(self) -> dict[str, Any]:
        """The layout as `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Any) -> Layout:
        return cls(**document | {"container": Container(document["container"])})


@dataclass(frozen=True, slots=True)
class FileOptions:
    """What the sender of a file says of it: a known encoding, a sheet by name or number."""

    encoding: str | None = None
    sheet: str | None = None


def layout_of(
    file: IO[bytes], options: FileOptions, *, most_bytes: int, is_whole: bool = True
) -> Layout:
    """Return the format of a file; raises BadFile naming the fault when it cannot be used.

    `most_bytes` is the greatest unpacked size; `is_whole` unless it is only the beginning of one.
    """
    container = container_of(file)
    if container is Container.XLSX:
        with sheet_rows(file, options.sheet, most_bytes=most_bytes) as (sheet, _):
            return Layout(container, sheet=sheet)
    with unpacked(file, container, most_bytes=most_bytes) as text:
        encoding = options.encoding or detect_encoding(text, is_whole=is_whole)
        dialect = detect_dialect(next(decoded(text, encoding, is_whole=is_whole), "")[:HEAD])
    return Layout(container, encoding, dialect.separator, dialect.lines_before)


def kept_form(
    file: IO[bytes], layout: Layout, *, most_bytes: int, is_whole: bool = True
) -> Iterator[bytes]:
    """Yield the stored form of a file; raises BadFile."""
    if layout.container is Container.XLSX:
        with sheet_rows(file, layout.sheet, most_bytes=most_bytes) as (_, rows):
            while batch := list(islice(rows, 1000)):
                yield b"".join(orjson.dumps(cells) + b"\n" for cells in batch)
        return
    assert layout.encoding is not None
    with unpacked(file, layout.container, most_bytes=most_bytes) as text:
        for piece in decoded(text, layout.encoding, is_whole=is_whole):
            yield piece.encode()


def read_rows(file: IO[bytes], *, most_bytes: int) -> Iterator[list[str]]:
    """Yield the cells of each row that is not empty; raises BadFile.

    The format is detected. `most_bytes` is the greatest unpacked size.
    """
    layout = layout_of(file, FileOptions(), most_bytes=most_bytes)
    with tempfile.TemporaryFile() as kept:
        kept.writelines(kept_form(file, layout, most_bytes=most_bytes))
        kept.seek(0)
        for row in KeptTable(kept, layout):
            yield row.cells


def header_of_workbook(file: IO[bytes], layout: Layout, *, most_bytes: int) -> list[str]:
    """Return the first non-empty row of a sheet; raises BadFile."""
    with sheet_rows(file, layout.sheet, most_bytes=most_bytes) as (_, rows):
        for cells in rows:
            if any(map(str.strip, cells)):
                return cells
    raise BadFile("the file is empty")


class KeptTable:
    """The rows of a stored file, from its beginning or from `offset`, after `lines` lines.

    Empty rows are skipped. After each row `offset` is the byte at which the next one begins,
    `lines` the number of lines before it, and `blank` the number of skipped rows.
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
        """Return the first non-empty row; raises BadFile when there is none."""
        first = next(self._rows, None)
        if first is None:
            raise BadFile("the file is empty")
        self.blank = 0
        return first.cells

    def __iter__(self) -> Iterator[FileRow]:
        """Yield the rows from here on; raises BadFile."""
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
        """Split lines in Latin-1, in which every byte is a character, and decode them one by one.

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
