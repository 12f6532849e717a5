"""Reads files that name customers by their ids or external ids."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from contacthub_project.core.identifiers import as_uuid

ID = "id"
EXTERNAL_ID = "externalid"
MOST_LISTED = 200_000
LONGEST_EXTERNAL_ID = 1000


class UnreadableList(Exception):
    """The file names nobody; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class ListedPeople:
    """The ids and the external ids that a file names."""

    ids: Sequence[str]
    external_ids: Sequence[str]


def listed_people(content: bytes) -> ListedPeople:
    """Return the customers that a CSV file or a list of lines names; raises UnreadableList.

    With a header the column `id` or `externalId` is read, as exports have it. Without one the first
    column is, and what is no id is an external id.
    """
    rows = _rows(content)
    column, is_external, begin = 0, False, 0
    header = [each.strip().lower().replace("_", "") for each in rows[0]] if rows else []
    if ID in header or EXTERNAL_ID in header:
        is_external = ID not in header
        column, begin = header.index(EXTERNAL_ID if is_external else ID), 1
    ids: dict[str, None] = {}
    external_ids: dict[str, None] = {}
    for row in rows[begin:]:
        value = row[column].strip() if column < len(row) else ""
        if value and not is_external and as_uuid(value) is not None:
            ids[value.lower()] = None
        elif value and len(value) <= LONGEST_EXTERNAL_ID:
            external_ids[value] = None
    if not ids and not external_ids:
        raise UnreadableList("The file names nobody: a line for each customer, with its id.")
    if len(ids) + len(external_ids) > MOST_LISTED:
        raise UnreadableList(f"The file names more than {MOST_LISTED:,} customers.")
    return ListedPeople(list(ids), list(external_ids))


def _rows(content: bytes) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableList("The file is not in UTF-8.") from None
    if "\0" in text:
        raise UnreadableList("The file is no text.")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        return [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
    except csv.Error as error:
        raise UnreadableList(f"The file cannot be read: {error}.") from None
