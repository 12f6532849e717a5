"""Checks that the database is distributed as it should be."""

from __future__ import annotations

from django.db import connection

from contacthub_project.db.distribution import catalogue
from contacthub_project.db.distribution.distributing import plain_functions
from contacthub_project.db.distribution.tables import (
    ANCHOR,
    REFERENCE,
    references,
    tenant_tables,
)

# A node that is down reaches nobody either, so those that it does not reach are not named for that.
UNREACHABLE = """
WITH link AS MATERIALIZED (
    SELECT from_nodename || ':' || from_nodeport AS one, to_nodename || ':' || to_nodeport AS other
    FROM citus_check_cluster_node_health() WHERE result IS NOT TRUE
),
silent AS MATERIALIZED (
    SELECT other FROM link
    JOIN pg_dist_node ON groupid = 0 AND nodename || ':' || nodeport = one
)
SELECT DISTINCT other FROM link
WHERE other IN (SELECT other FROM silent) OR one NOT IN (SELECT other FROM silent)
"""


def faults() -> list[str]:
    """Return sentences, each about a missing step or an unreachable node."""
    tables = tenant_tables()
    found = [f"{name} does not answer" for name in silent_workers()]
    placed = catalogue.placements([*tables, *REFERENCE])
    anchor = placed.get(ANCHOR)
    for table in tables:
        if table not in placed or placed[table].is_reference:
            found.append(f"{table} is not distributed")
        elif anchor is not None and placed[table].colocation != anchor.colocation:
            found.append(f"{table} does not lie with {ANCHOR}")
    found += [f"{table} is not on every node" for table in REFERENCE if table not in placed]
    present = {key.name for key in catalogue.foreign_keys(tables)}
    found += [
        f"foreign key {key.name} is missing" for key in references() if key.name not in present
    ]
    found += [
        f"{column.table}.{column.name} draws numbers of one node"
        for column in catalogue.sequence_columns(tables)
    ]
    found += [
        f"sequence {late.name} is behind its table" for late in catalogue.late_sequences(tables)
    ]
    found += [
        f"{table} still has its copied rows on the coordinator"
        for table in catalogue.tables_with_copied_rows(tables)
    ]
    found += [f"function {name} is not in its distributed form" for name in plain_functions(tables)]
    return found


def silent_workers() -> list[str]:
    """Return the nodes that another one cannot reach, by host and port."""
    with connection.cursor() as cursor:
        cursor.execute(UNREACHABLE)
        return sorted(name for (name,) in cursor.fetchall())
