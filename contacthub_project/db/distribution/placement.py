"""Finds the worker of a workspace, and moves workspaces to other workers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from contacthub_project.db.distribution import catalogue
from contacthub_project.db.distribution.distributing import NotDistributable
from contacthub_project.db.distribution.tables import ANCHOR, tenant_tables
from contacthub_project.db.sql import fetch_all, fetch_record, load

WORKERS = """
SELECT nodename || ':' || nodeport FROM pg_dist_node
WHERE noderole = 'primary' AND isactive AND shouldhaveshards ORDER BY 1
"""
SHARD = load("contacthub_project/sql/shard_of_workspace")
MOVE = "SELECT citus_move_shard_placement(%s, %s, %s, %s, %s, 'force_logical')"


class Shard(NamedTuple):
    """The shard of a workspace; `node` is its host and port."""

    id: int
    node: str
    host: str
    port: int


@cache
def is_distributed() -> bool:
    """Return whether the database is distributed; this cannot change while the process runs."""
    if catalogue.extension_version() is None:
        return False
    return bool(catalogue.placements([ANCHOR]))


def workers() -> list[str]:
    """Return the workers that take shards, by host and port."""
    return [name for (name,) in fetch_all(WORKERS, ())]


def worker_of(workspace_id: UUID) -> str:
    """Return the worker that holds a workspace, by host and port."""
    return _shard_of(workspace_id).node


def move_workspace(workspace_id: UUID, worker: str) -> Iterator[str]:
    """Move a workspace, and those in its shard, to a worker; yield the moved ones.

    Rows are copied while they are read and written; writers wait only for the last changes. Raises
    NotDistributable for an unknown worker.
    """
    if worker not in workers():
        raise NotDistributable(f"{worker} is none of the workers: {', '.join(workers())}")
    shard = _shard_of(workspace_id)
    if shard.node == worker:
        yield f"Workspace {workspace_id} lies on {worker} already"
        return
    new_host, _, new_port = worker.rpartition(":")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout TO 0")
        try:
            yield f"Moving shard {shard.id} from {shard.node} to {worker}"
            cursor.execute(MOVE, [shard.id, shard.host, shard.port, new_host, int(new_port)])
            # Without statistics of the copy writes take many times as long.
            yield "Gathering statistics"
            for table in tenant_tables():
                cursor.execute(f"ANALYZE {table}")
        finally:
            cursor.execute("RESET statement_timeout")
    yield f"Workspace {workspace_id} lies on {worker}"


def _shard_of(workspace_id: UUID) -> Shard:
    shard = fetch_record(Shard, SHARD, {"table": ANCHOR, "workspace_id": workspace_id})
    assert shard is not None, workspace_id
    return shard
