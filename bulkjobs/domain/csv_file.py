"""Reading the stored file of a job, from its beginning or from where the last worker left it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from bulkjobs.domain.csv_columns import BadFile, rows_of

BYTE_ORDER_MARK = "\ufeff"


class CsvFile:
    """The rows of a file in UTF-8; `offset` is the byte at which the next one begins.

    Lines are found in Latin-1, in which every byte is a character, and decoded one by one: so bytes
    are counted at the speed of reading text.
    """

    def __init__(self, file: Any) -> None:
        self._text = io.TextIOWrapper(file, encoding="latin-1", newline="")
        self._rows = rows_of(self._lines())
        self.offset = 0

    def header(self) -> list[str]:
        """The first row; raises BadFile when there is none."""
        try:
            return next(self._rows)
        except StopIteration:
            raise BadFile("the file is empty") from None

    def skip_to(self, offset: int) -> None:
        """Go on at the row that begins at a byte, after the header has been read."""
        self._text.seek(offset)
        self.offset = offset

    def __iter__(self) -> Iterator[list[str]]:
        """The rows from here on; raises BadFile."""
        return self._rows

    def detach(self) -> None:
        """Leave the file open for others."""
        self._text.detach()

    def _lines(self) -> Iterator[str]:
        readline = self._text.readline
        while raw := readline():
            line = raw.encode("latin-1").decode()
            if self.offset == 0:
                line = line.removeprefix(BYTE_ORDER_MARK)
            self.offset += len(raw)
            yield line
