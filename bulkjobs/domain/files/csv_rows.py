"""Rows of a CSV file, with the lines at which they begin."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bulkjobs.domain.faults import BadFile

SEPARATORS = (",", ";", "\t", "|")  # the first of equally frequent ones
# A line before the header that names the separator for Excel; other programs pad it.
SEPARATOR_LINE = re.compile(r'"?sep=(?P<separator>[^\r\n])"?[,;\t|]*', re.IGNORECASE)
LARGEST_CELL = 400_000


class FileRow(NamedTuple):
    """A row of a table: the line, or the row of the sheet, at which it begins, and its cells."""

    line: int
    cells: list[str]

    def is_blank(self) -> bool:
        """Return whether all of its cells are empty."""
        return not any(map(str.strip, self.cells))


class Dialect(NamedTuple):
    """The separator of cells, and the number of lines before the header."""

    separator: str
    lines_before: int = 0


def detect_dialect(head: str) -> Dialect:
    """Return the dialect of a file by its `head`: by a line `sep=`, else by its header.

    Raises BadFile for a line `sep=` that names no separator.
    """
    declared = SEPARATOR_LINE.fullmatch(re.split(r"[\r\n]", head, maxsplit=1)[0])
    if declared is None:
        return Dialect(_most_frequent(head))
    separator = declared["separator"]
    if separator.isalnum() or separator in '" ':
        raise BadFile(f"line 1: {separator!r} cannot separate cells")
    return Dialect(separator, lines_before=1)


def _most_frequent(head: str) -> str:
    """Return the most frequent separator of the first line that has any, outside quotes."""
    counts = dict.fromkeys(SEPARATORS, 0)
    is_quoted = False
    for character in head:
        if character == '"':
            is_quoted = not is_quoted
        elif character in "\r\n" and not is_quoted and any(counts.values()):
            break
        elif character in counts and not is_quoted:
            counts[character] += 1
    return max(SEPARATORS, key=lambda each: counts[each])


class _Lines:
    """The lines of a file, and where the quoted cell begins that is being read."""

    def __init__(self, lines: Iterator[str], separator: str, lines_before: int) -> None:
        self._lines = lines
        self._separator = separator
        self._row_begins = True
        self.number = lines_before
        self.row = lines_before  # the line in which the row begins
        self.quote = lines_before  # that in which the latest quoted cell of several lines begins

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.number += 1
            if self._row_begins:
                self.row = self.quote = self.number
            elif self._opens_a_cell_again(line):
                self.quote = self.number
            self._row_begins = False
            yield line

    def row_ended(self) -> None:
        """Take the next line for the beginning of a row."""
        self._row_begins = True

    def _opens_a_cell_again(self, line: str) -> bool:
        """Whether a line that begins inside a quoted cell ends inside another."""
        closed = line.replace('""', "").find('"')
        if closed < 0:
            return False
        is_open, begins_cell = False, False
        for sign in line.replace('""', "")[closed + 1 :]:
            if sign == '"' and (is_open or begins_cell):
                is_open = not is_open
            begins_cell = sign == self._separator and not is_open
        return is_open


class CsvRows:
    """The rows of a CSV file after `lines_before` lines, blank ones included.

    Raises BadFile for invalid CSV; an unclosed quote is reported with its own line. `lines_read` is
    the number of lines read, those before included.
    """

    def __init__(self, lines: Iterable[str], *, separator: str, lines_before: int = 0) -> None:
        csv.field_size_limit(LARGEST_CELL)
        self._lines = _Lines(iter(lines), separator, lines_before)
        self._reader = csv.reader(self._lines, delimiter=separator, strict=True)

    @property
    def lines_read(self) -> int:
        return self._lines.number

    def __iter__(self) -> Iterator[FileRow]:
        return self

    def __next__(self) -> FileRow:
        try:
            cells = next(self._reader)
        except csv.Error as fault:
            raise BadFile(_csv_fault(self._lines, str(fault))) from None
        except UnicodeDecodeError:
            raise BadFile(f"line {self._lines.number + 1}: not UTF-8") from None
        self._lines.row_ended()
        return FileRow(self._lines.row, cells)


def _csv_fault(lines: _Lines, fault: str) -> str:
    if lines.number > lines.quote or fault == "unexpected end of data":
        noticed = f"noticed in line {lines.number}: {fault}"
        return f"line {lines.quote}: a quote is not closed ({noticed})"
    return f"line {lines.number}: {fault}"
