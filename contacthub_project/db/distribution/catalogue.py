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
