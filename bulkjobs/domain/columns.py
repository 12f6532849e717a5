"""The possible columns of a file: properties by their dotted paths, and their kinds.

docs/bulk-jobs.md describes them for people who make such files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from bulkjobs.domain.faults import BadFile
from bulkjobs.domain.headers import ColumnChoice, Matches, match_columns
from configuration.domain.condition_parser import Attributes
from configuration.domain.customer_schema import LIST_OF, SECRET, CustomerSchema

SUBSCRIPTIONS = "base.subscriptions"
CUSTOMER_ROOTS = ("base", "extended", "consents", "tags")
CUSTOMER_NAMES = frozenset({"externalId", "extra", "enabled"})
EVENT_ROOTS = ("properties", "contextInfo", "tracking")
# A row about an event may have two external ids: the customer's, and the event's own.
EVENT_EXTERNAL_ID = "eventExternalId"
EVENT_KINDS = {
    "customerId": "text",
    "externalId": "text",
    "sessionId": "text",
    EVENT_EXTERNAL_ID: "text",
    "context": "text",
    "date": "moment",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the file, its property, the kind of its cells, its index in rows."""

    name: str
    path: str
    kind: str
    position: int


@dataclass(frozen=True, slots=True)
class PossibleColumns:
    """The possible columns of a file: those of `paths`, and others that `kind_of` knows.

    `id` is one of the others: a column `ID` or `Id` is another system's.
    """

    kind_of: Callable[[str], str | None]
    paths: Sequence[str]

    def match(self, header: Sequence[str], mapping: Mapping[str, str | None]) -> Matches:
        """Return the property of each column of a file; raises BadFile (see `match_columns`)."""
        return match_columns(
            header,
            is_known=lambda path: self.kind_of(path) is not None,
            paths=self.paths,
            mapping=mapping,
        )

    def columns(self, choices: Sequence[ColumnChoice]) -> list[Column]:
        """Return the chosen columns, those within others after them.

        Raises BadFile naming those whose property no longer exists.
        """
        columns = []
        for position, (name, path) in enumerate(choices):
            if path is None:
                continue
            kind = self.kind_of(path)
            if kind is None:
                raise BadFile(f"columns are not known: {name[:100]}")
            columns.append(Column(name, path, kind, position))
        return sorted(columns, key=lambda column: column.path.count("."))


def customer_columns(schema: CustomerSchema) -> PossibleColumns:
    """Return the possible columns of a file about customers."""
    return PossibleColumns(lambda path: _customer_kind(path, schema), customer_leaves(schema))


def event_columns(schema: Attributes, kinds: Mapping[str, str]) -> PossibleColumns:
    """Return the possible columns of events of one type, with attributes of some `kinds`."""

    def kind_of(path: str) -> str | None:
        if path == "id":
            return "text"
        if path in EVENT_KINDS:
            return EVENT_KINDS[path]
        if path in EVENT_ROOTS:
            return "object"
        if path.split(".")[0] in EVENT_ROOTS and not _is_within_list(path, schema):
            return schema.kind_of(path)
        return None

    return PossibleColumns(kind_of, event_leaves(kinds))


def customer_leaves(schema: CustomerSchema) -> list[str]:
    """Return the columns that hold everything of customers, except secrets."""
    leaves = [*sorted(CUSTOMER_NAMES), *_leaves(schema.kinds(), CUSTOMER_ROOTS)]
    return [path for path in leaves if path not in SECRET]


def holds_secret(path: str) -> bool:
    """Return whether a column holds a secret, or an object with one."""
    return any(_is_at_or_below(secret, path) for secret in SECRET)


def selected_leaves(leaves: Sequence[str], fields: Sequence[str]) -> list[str]:
    """Return the columns at or below some paths; all of them without paths.

    Raises ValueError with a path at which there is none.
    """
    for field in fields:
        if not any(_is_at_or_below(path, field) for path in leaves):
            raise ValueError(field)
    return [
        path for path in leaves if not fields or any(_is_at_or_below(path, each) for each in fields)
    ]


def _is_at_or_below(path: str, ancestor: str) -> bool:
    return path == ancestor or path.startswith(f"{ancestor}.")


def event_leaves(kinds: Mapping[str, str]) -> list[str]:
    """Return the columns that hold everything of events with such attributes."""
    return [*EVENT_KINDS, *_leaves(kinds, EVENT_ROOTS)]


def _leaves(kinds: Mapping[str, str], roots: Collection[str]) -> list[str]:
    """Return single values, and whole lists; objects only if their content is not defined."""
    found = []
    for path, kind in kinds.items():
        parents = [path[:place] for place, sign in enumerate(path) if sign == "."]
        within_list = any(kinds.get(parent, "").startswith(LIST_OF) for parent in parents)
        if path.split(".")[0] not in roots or within_list:
            continue
        has_children = any(other.startswith(f"{path}.") for other in kinds)
        if kind != "object" or not has_children:
            found.append(path)
    return found


def _customer_kind(name: str, schema: Attributes) -> str | None:
    if name == "id":
        return "text"
    if name in CUSTOMER_NAMES:
        return schema.kind_of(name)
    root, *rest = name.split(".")
    if root not in CUSTOMER_ROOTS or not rest:
        return None
    if name.startswith(f"{SUBSCRIPTIONS}.") and len(rest) == 3:
        kind = schema.kind_of(f"{SUBSCRIPTIONS}.{rest[2]}")
        return None if kind is None else kind.removeprefix(LIST_OF)
    if _is_within_list(name, schema):
        return None
    return schema.kind_of(name)


def _is_within_list(name: str, schema: Attributes) -> bool:
    parts = name.split(".")
    return any(
        (schema.kind_of(".".join(parts[:length])) or "").startswith(LIST_OF)
        for length in range(2, len(parts))
    )
