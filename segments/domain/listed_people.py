"""Reads files that name customers by their ids or external ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import IO

from bulkjobs.domain.faults import BadFile
from bulkjobs.domain.files.tables import read_rows
from contacthub_project.core.identifiers import as_uuid

ID = "id"
EXTERNAL_ID = "externalid"
MOST_LISTED = 200_000
LONGEST_EXTERNAL_ID = 1000


@dataclass(frozen=True, slots=True)
class ListedPeople:
    """The ids and the external ids that a file names."""

    ids: Sequence[str]
    external_ids: Sequence[str]


def listed_people(file: IO[bytes], *, most_bytes: int) -> ListedPeople:
    """Return the customers that a file names; raises BadFile.

    The file is CSV, a list of lines or a workbook, as bulk jobs take them, of at most `most_bytes`
    when it is unpacked. With a header the column `id` or `externalId` is read, as exports have it.
    Without one the first column is, and what is no id is an external id.
    """
    ids: dict[str, None] = {}
    external_ids: dict[str, None] = {}
    for value, is_external in _values(read_rows(file, most_bytes=most_bytes)):
        if "\0" in value:
            raise BadFile("the file is no text")
        if value and not is_external and as_uuid(value) is not None:
            ids[value.lower()] = None
        elif value and len(value) <= LONGEST_EXTERNAL_ID:
            external_ids[value] = None
        if len(ids) + len(external_ids) > MOST_LISTED:
            raise BadFile(f"the file names more than {MOST_LISTED:,} customers")
    if not ids and not external_ids:
        raise BadFile("the file names nobody: a line for each customer, with its id")
    return ListedPeople(list(ids), list(external_ids))


def _values(rows: Iterator[Sequence[str]]) -> Iterable[tuple[str, bool]]:
    """Yield the value of each row that names a customer, and whether it is an external id."""
    first = next(rows, [])
    header = [each.strip().lower().replace("_", "") for each in first]
    is_external = ID not in header and EXTERNAL_ID in header
    has_header = ID in header or is_external
    column = header.index(EXTERNAL_ID if is_external else ID) if has_header else 0
    for row in rows if has_header else chain([first], rows):
        yield (row[column].strip() if column < len(row) else ""), is_external
