"""Distributes the product's database by workspace, step by step.

Each step checks whether it is needed and is a transaction of its own: running the command again
continues after an interruption, and distributes what a migration has added. Nothing else may use
the database meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from django.db import connection, transaction

from contacthub_project.db.distribution import catalogue
from contacthub_project.db.distribution.catalogue import SequenceColumn
from contacthub_project.db.distribution.functions import (
    Function,
    Names,
    dispatcher,
    is_generated,
    maker,
    trigger_function,
    uses_shards,
)
from contacthub_project.db.distribution.tables import (
    ANCHOR,
    REFERENCE,
    Reference,
    references,
    tenant_tables,
)
from contacthub_project.db.keys import WORKSPACE
from contacthub_project.db.sql import fetch_all, load, rendered

HELPERS = "contacthub_project/sql/distribution"
NEXT_ID = "distribution_next_id()"
FUNCTION_NAME = re.compile(r"CREATE OR REPLACE FUNCTION (\w+)")
DISTRIBUTE_FUNCTION = load("contacthub_project/sql/distribute_function")
LOCK = "SELECT pg_advisory_lock(hashtext('distribute'))"
UNLOCK = "SELECT pg_advisory_unlock(hashtext('distribute'))"
TRUNCATE_COPIED = "SELECT truncate_local_data_after_distributing_table(%(table)s::regclass)"
# One command: of several only the first result would be read.
WITHOUT_PROPAGATION = """DO $worker$ BEGIN
PERFORM set_config('citus.enable_ddl_propagation', 'off', TRUE);
EXECUTE $command${}$command$;
END $worker$"""


class NotDistributable(Exception):
    """The database cannot be distributed; the message is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """A missing step: its description and the function that performs it."""

    title: str
    do: Callable[[], None]


def check_cluster() -> None:
    """Raise NotDistributable unless the extension and its nodes are configured as required."""
    version = catalogue.extension_version()
    if version is None:
        raise NotDistributable(
            "This database has no Citus: install the extension on all nodes and run"
            " CREATE EXTENSION citus in this database."
        )
    if tuple(int(part) for part in version.replace("-", ".").split(".")[:2]) < catalogue.OLDEST:
        oldest = ".".join(map(str, catalogue.OLDEST))
        raise NotDistributable(f"This database has Citus {version}; {oldest} or newer is needed.")
    nodes = catalogue.nodes()
    if not any(node.group == 0 for node in nodes):
        raise NotDistributable(
            "The coordinator is no node of its cluster:"
            " SELECT citus_set_coordinator_host(host, port) makes it one."
        )
    if not any(node.group and node.has_shards for node in nodes):
        raise NotDistributable("There is no worker: SELECT citus_add_node(host, port) adds one.")


@contextmanager
def alone() -> Iterator[None]:
    """Let one session distribute at a time, for as long as it takes.

    A killed command's session ends only after the step that it is at.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout TO 0")
        cursor.execute(LOCK)
        try:
            yield
        finally:
            cursor.execute(UNLOCK)
            cursor.execute("RESET statement_timeout")


def missing_steps(*, shard_count: int) -> Iterator[Step]:
    """Yield the missing steps in order; a step depends on those before it."""
    tables = tenant_tables()
    yield Step("Helpers", _install_helpers)
    placed = catalogue.placements(tables)
    if len(placed) < len(tables):
        yield Step("Foreign keys aside", lambda: _drop_foreign_keys(tables))
    yield from _numbering(tables)
    for table in REFERENCE:
        if table not in catalogue.placements(REFERENCE):
            copied = f"SELECT create_reference_table('{table}')"
            yield Step(f"Copies of {table}", partial(_run, copied))
    for table in tables:
        if table not in placed:
            yield Step(f"Shards of {table}", partial(_distribute, table, shard_count))
    for table in catalogue.tables_with_copied_rows(tables):
        yield Step(f"Copied rows of {table}", partial(_run, TRUNCATE_COPIED, table=table))
    for late in catalogue.late_sequences(tables):
        last = f"SELECT setval('{late.name}', {late.number})"
        yield Step(f"Numbers of {late.name}", partial(_run, last))
    present = {key.name for key in catalogue.foreign_keys(tables)}
    for key in references():
        if key.name not in present:
            yield Step(f"Foreign key {key.name}", partial(_add_foreign_key, key))
    if plain_functions(tables):
        yield Step("Functions and triggers", lambda: _convert_functions(tables))


def plain_functions(tables: list[str]) -> list[str]:
    """Return the names of functions that are not in their distributed form."""
    of_triggers, others = catalogue.functions()
    names = Names(tables)
    on_shards = {each.function for each in catalogue.triggers(tables) if not each.is_before}
    return [
        function.name
        for function in [*of_triggers.values(), *others.values()]
        if not is_generated(function)
        and (
            function.name in on_shards
            or (function.is_of_workspace and uses_shards(function, names))
        )
    ]


def _install_helpers() -> None:
    for statement in rendered(HELPERS).split(";\n\n"):
        if FUNCTION_NAME.search(statement):
            _define(statement)
        else:
            _run(statement)
            _run_on_workers(statement)


def _drop_foreign_keys(tables: list[str]) -> None:
    """Drop foreign keys of tenant tables; those between tenant tables are added again at the end.

    Those to and from tables on the coordinator are not: no worker could check them.
    """
    with transaction.atomic():
        for key in catalogue.foreign_keys(tables):
            _run(f'ALTER TABLE {key.table} DROP CONSTRAINT "{key.name}"')


def _numbering(tables: list[str]) -> Iterator[Step]:
    """Yield the steps that make sequences unique across nodes."""
    for column in catalogue.sequence_columns(tables):
        yield Step(f"Numbers of {column.table}.{column.name}", partial(_renumber, column))


def _renumber(column: SequenceColumn) -> None:
    is_row_id = column.is_identity or column.name == "id"
    sequence = None if is_row_id else (column.default or "").split("'")[1]
    expression = NEXT_ID
    if sequence is not None:
        _share_sequence(sequence)
        expression = f"distribution_next_number('{sequence}')"
    with transaction.atomic():
        if column.is_identity:
            _run(f"ALTER TABLE {column.table} ALTER {column.name} DROP IDENTITY")
        _run(f"ALTER TABLE {column.table} ALTER {column.name} SET DEFAULT {expression}")


def _share_sequence(sequence: str) -> None:
    """Give each worker a range of its own of the sequence."""
    _run_on_workers(f"CREATE SEQUENCE IF NOT EXISTS {sequence}")
    _run_on_workers(
        f"SELECT setval('{sequence}', greatest(last_value, (SELECT groupid::bigint << 48"
        f" FROM pg_dist_local_group) + 1)) FROM {sequence}"
    )


def _distribute(table: str, shard_count: int) -> None:
    placed = f"shard_count => {shard_count}, colocate_with => 'none'"
    if table != ANCHOR:
        placed = f"colocate_with => '{ANCHOR}'"
    triggers = catalogue.trigger_definitions(table)
    with transaction.atomic():
        _run("SET LOCAL citus.enable_unsafe_triggers TO on")
        # By one connection to each node: several would wait for each other's locks.
        _run("SET LOCAL citus.multi_shard_modify_mode TO sequential")
        # What triggers had to do for these rows is done: they must not fire while rows are copied.
        for name, _ in triggers:
            _run(f'DROP TRIGGER "{name}" ON {table}')
        _run(f"SELECT create_distributed_table('{table}', '{WORKSPACE}', {placed})")
        for _, definition in triggers:
            _run(definition)


def _add_foreign_key(key: Reference) -> None:
    _run(
        f"ALTER TABLE {key.table} ADD CONSTRAINT {key.name}"
        f" FOREIGN KEY ({WORKSPACE}, {key.column}) REFERENCES {key.to} ({WORKSPACE}, {key.key})"
    )


def _convert_functions(tables: list[str]) -> None:
    """Install the distributed forms of all functions of tenant tables and of their triggers."""
    of_triggers, others = catalogue.functions()
    triggers = [each for each in catalogue.triggers(tables) if not each.is_before]
    known = Names(tables)
    on_shards = [each for each in others.values() if uses_shards(each, known)]
    # Functions that call one of those need it too.
    names = Names(tables, [each.name for each in on_shards])
    plain = [each for each in on_shards if not is_generated(each)]
    converted = [
        trigger_function(function, names, new=new, old=old)
        for function in of_triggers.values()
        if not is_generated(function)
        for new, old in [_transition_tables(function, triggers)]
        if any(each.function == function.name for each in triggers)
    ]
    for function in others.values():
        if not function.name.startswith("configuration_") and function not in on_shards:
            _run(DISTRIBUTE_FUNCTION, name=function.name)
    if plain:
        _define(maker(plain, names))
        _run_on_workers("SELECT distribution_forget()")
    for statement in converted:
        _define(statement)
    for signature, function in others.items():
        if function in plain and function.is_of_workspace:
            with transaction.atomic():
                _run(dispatcher(function))
                _run(
                    "SELECT create_distributed_function(%(signature)s, 'of_workspace',"
                    f" colocate_with => '{ANCHOR}', force_delegation => TRUE)",
                    signature=signature,
                )


def _transition_tables(
    function: Function, triggers: list[catalogue.Trigger]
) -> tuple[str | None, str | None]:
    of_function = [each for each in triggers if each.function == function.name]
    return (
        next((each.new for each in of_function if each.new), None),
        next((each.old for each in of_function if each.old), None),
    )


def _define(statement: str) -> None:
    """Create or replace a function here and on all nodes, including nodes that are added later."""
    _run(statement)
    name = FUNCTION_NAME.search(statement)
    assert name is not None
    _run(DISTRIBUTE_FUNCTION, name=name[1])


def _run_on_workers(statement: str) -> None:
    failed = [
        f"{host}:{port}: {result}"
        for host, port, succeeded, result in fetch_all(
            "SELECT nodename, nodeport, success, result FROM run_command_on_workers(%s)",
            (WITHOUT_PROPAGATION.format(statement),),
        )
        if not succeeded
    ]
    if failed:
        raise NotDistributable("; ".join(failed))


def _run(statement: str, **parameters: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
