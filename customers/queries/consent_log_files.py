"""The consent log with its authors' names, as pages and as files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from contacthub_project.api.renderers import json_bytes_in
from contacthub_project.core.date_format import DateFormat, formatted, with_date_format
from contacthub_project.core.spreadsheet_cells import guarded_cell
from customers.models import ConsentLogEntry
from customers.models.consent_log import ConsentLogQuerySet
from customers.queries.consent_history import Names
from customers.queries.documents import consent_log_moments, consent_log_response

FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
COLUMNS = (
    "id", "date", "type", "property", "value", "customerId", "sourceId", "sourceName", "userId",
    "userName",
)  # fmt: skip
ROWS_AT_A_TIME = 1000


def named_entries(workspace_id: UUID, entries: Iterable[ConsentLogEntry]) -> list[dict[str, Any]]:
    """Return entries in the form of responses."""
    listed = list(entries)
    names = Names.of(workspace_id, listed)
    return [
        consent_log_response(entry) | {"customerId": entry.customer_id} | names.author_of(entry)
        for entry in listed
    ]


def consent_log_file(
    workspace_id: UUID, entries: ConsentLogQuerySet, file_format: str, date_format: DateFormat
) -> Iterator[bytes]:
    """Yield entries in their order as CSV or JSON lines, through a server-side cursor."""
    rows = entries.iterator(chunk_size=ROWS_AT_A_TIME)
    if file_format == "csv":
        yield _csv_lines([COLUMNS])
    while some := list(islice(rows, ROWS_AT_A_TIME)):
        named = named_entries(workspace_id, some)
        if file_format == "csv":
            yield _csv_lines(_cells(each, date_format) for each in named)
        else:
            yield b"".join(
                json_bytes_in(each, consent_log_moments(each), date_format) + b"\n"
                for each in named
            )


def _cells(entry: Mapping[str, Any], date_format: DateFormat) -> list[str]:
    formatted = with_date_format(dict(entry), consent_log_moments(entry), date_format)
    return [_cell(formatted[name], date_format) for name in COLUMNS]


def _cell(value: Any, date_format: DateFormat) -> str:
    if value is None:
        return ""
    text = formatted(value, date_format) if isinstance(value, datetime) else str(value)
    return guarded_cell(text)


def _csv_lines(rows: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
