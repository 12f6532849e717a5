"""Reads the catalogues of PostgreSQL and of Citus."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from contacthub_project.db.distribution.functions import Function
from contacthub_project.db.sql import fetch_all, fetch_optional, fetch_records, load

OLDEST = (12, 1)
"""The first version of the extension that `distribute` takes."""

EXTENSION = "SELECT extversion FROM pg_extension WHERE extname = 'citus'"
NODES = """
SELECT nodename || ':' || nodeport, groupid, isactive AND shouldhaveshards, isactive
FROM pg_dist_node WHERE noderole = 'primary' ORDER BY groupid, 1
"""
TABLES = """
SELECT logicalrelid::regclass::text, partmethod, colocationid FROM pg_dist_partition
WHERE logicalrelid::regclass::text = ANY (%s)
"""
# What a table held before it was distributed stays on the coordinator, where no statement sees it.
COPIED = """
SELECT logicalrelid::regclass::text FROM pg_dist_partition
WHERE partmethod = 'h' AND logicalrelid::regclass::text = ANY (%s)
    AND pg_relation_size(logicalrelid) > 0
ORDER BY 1
"""
TRIGGER_DEFINITIONS = """
SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger
WHERE NOT tgisinternal AND tgrelid = %s::regclass ORDER BY tgname
"""
# Tables that everybody shares may be made anew by Citus, with sequences that begin again at 1.
IDENTITIES = """
SELECT attrelid::regclass::text, attname, pg_get_serial_sequence(attrelid::regclass::text, attname)
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE attidentity <> '' AND relkind = 'r' AND relnamespace = 'public'::regnamespace
    AND attrelid::regclass::text <> ALL (%s)
ORDER BY 1
"""
LARGEST = "SELECT coalesce(max({column}), 0) FROM {table}"
LAST = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}"
FOREIGN_KEYS = load("contacthub_project/sql/foreign_keys")
SEQUENCE_COLUMNS = load("contacthub_project/sql/sequence_columns")
FUNCTIONS = load("contacthub_project/sql/functions")
TRIGGERS = load("contacthub_project/sql/triggers")


@dataclass(frozen=True, slots=True)
class Node:
    """A database server of the cluster; the coordinator has group 0."""

    name: str  # host:port
    group: int
    has_shards: bool
    is_active: bool


@dataclass(frozen=True, slots=True)
class Placement:
    """How a table is placed on the nodes: sharded by workspace, or replicated to each."""

    is_reference: bool
    colocation: int


class ForeignKey(NamedTuple):
    """A foreign key of the catalogue: the table that refers, and the constraint's name."""

    table: str
    name: str


class SequenceColumn(NamedTuple):
    """A column filled from a sequence: an identity, or one with a default."""

    table: str
    name: str
    is_identity: bool
    default: str | None


class LateSequence(NamedTuple):
    """A sequence whose next number is in its table already; `number` is the table's largest."""

    name: str
    number: int


class FunctionRow(NamedTuple):
    """A row of `contacthub_project/sql/functions.sql`."""

    signature: str
    name: str
    argument_names: list[str] | None
    argument_types: list[str]
    result: str
    body: str
    definition: str
    is_of_trigger: bool


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger of a tenant table and the names of its transition tables."""

    function: str
    table: str
    name: str
    new: str | None
    old: str | None
    is_of_rows: bool
    is_before: bool


def extension_version() -> str | None:
    """Return the version of Citus in this database, None without it."""
    version: str | None = fetch_optional(EXTENSION, ())
    return version


def nodes() -> list[Node]:
    """Return the nodes of the cluster, the coordinator first if it is one of them."""
    return [Node(*row) for row in fetch_all(NODES, ())]


def placements(tables: Collection[str]) -> dict[str, Placement]:
    """Return the placement of those of the tables that are distributed."""
    return {
        table: Placement(method == "n", colocation)
        for table, method, colocation in fetch_all(TABLES, (list(tables),))
        if method in ("h", "n") and (method == "h" or colocation)
    }


def foreign_keys(tables: Collection[str]) -> list[ForeignKey]:
    """Return the foreign keys from or to some tables."""
    return fetch_records(ForeignKey, FOREIGN_KEYS, {"tables": list(tables)})


def sequence_columns(tables: Collection[str]) -> list[SequenceColumn]:
    """Return the columns of some tables that are filled from sequences."""
    return fetch_records(SequenceColumn, SEQUENCE_COLUMNS, {"tables": list(tables)})


def functions() -> tuple[dict[str, Function], dict[str, Function]]:
    """Return the product's functions by signature: trigger functions, and the others."""
    of_triggers: dict[str, Function] = {}
    others: dict[str, Function] = {}
    for row in fetch_records(FunctionRow, FUNCTIONS, {}):
        arguments = list(zip(row.argument_names or (), row.argument_types, strict=False))
        function = Function(row.name, arguments, row.result, row.body, row.definition)
        (of_triggers if row.is_of_trigger else others)[row.signature] = function
    return of_triggers, others


def triggers(tables: Sequence[str]) -> list[Trigger]:
    """Return the triggers of some tables."""
    return [Trigger(*row) for row in fetch_all(TRIGGERS, {"tables": list(tables)})]


def trigger_definitions(table: str) -> list[tuple[str, str]]:
    """Return names and CREATE statements of a table's triggers."""
    return [(name, definition) for name, definition in fetch_all(TRIGGER_DEFINITIONS, (table,))]


def tables_with_copied_rows(tables: Sequence[str]) -> list[str]:
    """Return distributed tables that still hold, on the coordinator, the rows that were copied."""
    return [name for (name,) in fetch_all(COPIED, (list(tables),))]


def late_sequences(tenant_tables: Sequence[str]) -> list[LateSequence]:
    """Return sequences of all other tables that would draw numbers of rows that exist."""
    found = []
    for table, column, sequence in fetch_all(IDENTITIES, (list(tenant_tables),)):
        largest = fetch_optional(LARGEST.format(table=table, column=column), ())
        if largest > fetch_optional(LAST.format(sequence=sequence), ()):
            found.append(LateSequence(sequence, largest))
    return found
