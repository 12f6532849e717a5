"""Previews an import by the beginning of the file."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from itertools import islice
from typing import IO

from bulkjobs.domain.columns import PossibleColumns
from bulkjobs.domain.faults import BadFile
from bulkjobs.domain.files.tables import KeptTable, Layout, kept_form, layout_of
from bulkjobs.domain.headers import Matches, refuse_unknown
from bulkjobs.domain.reading import Reading

PREVIEWED_BYTES = 1 << 20


@dataclass(slots=True)
class Preview:
    """The format of a file, its columns, its first rows.

    `fault` is why it cannot be used, if so.
    """

    layout: Layout | None = None
    matches: Matches = field(default_factory=lambda: Matches([], {}))
    rows: list[list[str]] = field(default_factory=list)
    fault: str = ""


def preview_file(
    file: IO[bytes],
    possible: PossibleColumns,
    reading: Reading,
    *,
    is_whole: bool,
    most_bytes: int,
    rows: int,
) -> Preview:
    """Return the preview of a file, or of its beginning unless it `is_whole`."""
    found = Preview()
    try:
        found.layout = layout_of(file, reading.options, most_bytes=most_bytes, is_whole=is_whole)
        kept = io.BytesIO()
        for piece in kept_form(file, found.layout, most_bytes=most_bytes, is_whole=is_whole):
            kept.write(piece)
            if kept.tell() > PREVIEWED_BYTES:
                break
        kept.seek(0)
        table = KeptTable(kept, found.layout)
        header = table.header()
        found.rows = [row.cells for row in islice(table, rows)]
        found.matches = possible.match(header, reading.mapping)
        refuse_unknown(found.matches)
    except BadFile as fault:
        found.fault = str(fault)
    return found
