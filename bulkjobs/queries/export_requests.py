"""The content of an export, as requested and stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contacthub_project.api.query import SortKey
from contacthub_project.core.date_format import DateFormat


@dataclass(frozen=True, slots=True)
class Export:
    """The content of an export: customers, or events of a type.

    `query` is a document of the query language; it and `sort` are for customers only. Without
    `fields` every column is exported.
    """

    event_type: str | None = None
    query: Any = None
    fields: Sequence[str] = ()
    sort: Sequence[SortKey] = (SortKey("id", descending=False),)
    date_format: DateFormat = DateFormat.ZULU

    def as_json(self) -> dict[str, Any]:
        """The export as `from_json` reads it."""
        return {
            "eventType": self.event_type,
            "query": self.query,
            "fields": list(self.fields),
            "sort": [[key.field, key.descending] for key in self.sort],
            "dateFormat": self.date_format,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Export:
        return cls(
            document["eventType"],
            document["query"],
            document["fields"],
            [SortKey(field, descending) for field, descending in document["sort"]],
            DateFormat(document["dateFormat"]),
        )
