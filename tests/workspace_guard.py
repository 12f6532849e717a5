"""Finds statements of the product on tenant tables that do not name one workspace.

On one database such a statement is slow, as keys begin with the workspace; on a distributed one it
asks all nodes, or is refused. Each statement's text is read once, as PostgreSQL reads it. Statements
of tests themselves are nobody's business.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from pglast import ast, parse_sql
from pglast.enums import A_Expr_Kind
from pglast.parser import ParseError

ROOT = Path(__file__).resolve().parent.parent
PLACEHOLDER = re.compile(r"%\(\w+\)[sbt]|%[sbt]")
OPERATORS = (A_Expr_Kind.AEXPR_OP, A_Expr_Kind.AEXPR_IN, A_Expr_Kind.AEXPR_OP_ANY)
WORKSPACE = "workspace_id"
QUERIES = (ast.SelectStmt, ast.UpdateStmt, ast.DeleteStmt, ast.InsertStmt, ast.MergeStmt)
# Layers through which statements pass: not where they come from.
PASSED = (
    "contacthub_project/db/sql.py",
    "contacthub_project/db/querysets.py",
    "tests/workspace_guard.py",
)

SWEEPS = {
    "analytics/actions/folding.py:fold_all": "which workspaces have deltas",
    "bulkjobs/actions/exporting.py:_claimed": "which exports wait",
    "bulkjobs/actions/exporting.py:remove_exports": "which exports are old",
    "bulkjobs/actions/processing.py:_claimed": "whose turn it is",
    "bulkjobs/actions/processing.py:process": "whether a job waits",
    "bulkjobs/actions/removal.py:_remove_strays": "which files belong to a job",
    "bulkjobs/actions/removal.py:remove_jobs": "which jobs are old",
    "configuration/actions/building.py:build_all": "which nodes are to be built",
    "configuration/actions/rekeying.py:rekey_all": "which nodes are being re-keyed",
    "configuration/actions/removal.py:remove_deleted": "which nodes are to be emptied",
    "configuration/queries/current_user.py:_groups": "the nodes of all workspaces of a person",
    "customers/actions/pending_merges.py:merge_pending": "which workspaces have something to merge",
    "customers/actions/deliveries.py:_claim": "which workspaces have active webhooks",
    "customers/actions/seeding.py:seed_customers": "whose the node is",
    "customers/management/commands/find_duplicates.py:handle": "the state of all searches",
    "events/actions/seeding.py:seed_events": "whose the node is",
    "events/actions/purge.py:go_on": "which runs are under way",
    "events/management/commands/purge_events.py:handle": "the state of all runs",
    "segments/actions/refreshing.py:refresh": "which workspaces have segments",
    "segments/actions/verification.py:verify_all": "which workspaces have segments",
    "segments/actions/verification.py:remove_old_changes": "which workspaces have segments",
}
"""Functions of the product that look into all workspaces, and why they may."""

Place = tuple[int, str]  # a scope and a name in it


class _Reading:
    """One statement: which relations it reads, and which of their workspaces are the same."""

    def __init__(self, tenant: Collection[str]) -> None:
        self._tenant = tenant
        self._same: dict[Place, Place] = {}
        self._pinned: set[Place] = set()
        self._tables: dict[Place, str] = {}
        self._scopes: list[tuple[int, dict[str, bool]]] = []
        self._number = 0

    def unpinned(self) -> list[str]:
        roots = {self._root(place) for place in self._pinned}
        return sorted(
            table for place, table in self._tables.items() if self._root(place) not in roots
        )

    def query(self, node: Any, known: frozenset[str]) -> None:
        if node.__class__ is ast.SelectStmt and node.larg is not None:
            known |= self._with(node, known)
            self.query(node.larg, known)
            self.query(node.rarg, known)
            return
        known |= self._with(node, known)
        self._number += 1
        self._scopes.append((self._number, {}))
        target = getattr(node, "relation", None)
        if target is not None:
            self._relation(target, known, is_target=isinstance(node, ast.InsertStmt))
        for clause in ("fromClause", "usingClause"):
            for each in getattr(node, clause, None) or ():
                self._relation(each, known)
        for name in node.__slots__:
            if name not in ("relation", "fromClause", "usingClause", "withClause"):
                self._expression(getattr(node, name), known)
        self._scopes.pop()

    def _with(self, node: Any, known: frozenset[str]) -> frozenset[str]:
        clause = getattr(node, "withClause", None)
        if clause is None:
            return frozenset()
        names = frozenset[str]()
        for cte in clause.ctes:
            recursive = frozenset([cte.ctename]) if clause.recursive else frozenset()
            self.query(cte.ctequery, known | names | recursive)
            names |= {cte.ctename}
        return names

    def _relation(self, node: Any, known: frozenset[str], *, is_target: bool = False) -> None:
        scope, names = self._scopes[-1]
        if isinstance(node, ast.RangeVar):
            name = node.alias.aliasname if node.alias else node.relname
            is_tenant = node.relname in self._tenant and node.relname not in known
            names[name] = is_tenant
            if is_tenant:
                self._tables[scope, name] = node.relname
            if is_target or not is_tenant:
                self._pinned.add(
                    (scope, name)
                )  # what is inserted says it; others are read elsewhere
        elif isinstance(node, ast.JoinExpr):
            self._relation(node.larg, known)
            self._relation(node.rarg, known)
            self._expression(node.quals, known)
            if any(each.sval == WORKSPACE for each in node.usingClause or ()):
                places = [(scope, name) for name, is_tenant in names.items() if is_tenant]
                for one, other in itertools.pairwise(places):
                    self._join(one, other)
        elif isinstance(node, ast.RangeSubselect):
            self.query(node.subquery, known)
            if node.alias:
                names[node.alias.aliasname] = False
                self._pinned.add((scope, node.alias.aliasname))
        elif getattr(node, "alias", None) is not None:
            names[node.alias.aliasname] = False
            self._pinned.add((scope, node.alias.aliasname))
            self._expression(getattr(node, "functions", None), known)

    def _expression(self, node: Any, known: frozenset[str]) -> None:
        if isinstance(node, QUERIES):
            self.query(node, known)
        elif isinstance(node, tuple):
            for each in node:
                self._expression(each, known)
        elif isinstance(node, ast.A_Expr):
            self._comparison(node)
            self._expression(node.lexpr, known)
            self._expression(node.rexpr, known)
        elif isinstance(node, ast.Node):
            for name in node.__slots__:
                self._expression(getattr(node, name), known)

    def _comparison(self, node: ast.A_Expr) -> None:
        if node.kind not in OPERATORS or node.name[-1].sval != "=":
            return
        pairs = [(node.lexpr, node.rexpr)]
        if isinstance(node.lexpr, ast.RowExpr) and isinstance(node.rexpr, ast.RowExpr):
            pairs = list(zip(node.lexpr.args, node.rexpr.args, strict=True))
        for left, right in pairs:
            one, other = self._place(left), self._place(right)
            if one and other:
                self._join(one, other)
            elif one or other:
                value = right if one else left
                if _is_constant(value):
                    self._pinned.add(one or other)  # type: ignore[arg-type]

    def _place(self, node: Any) -> Place | None:
        if not isinstance(node, ast.ColumnRef):
            return None
        parts = [each.sval for each in node.fields if isinstance(each, ast.String)]
        is_key = parts[-1] == WORKSPACE
        for scope, names in reversed(self._scopes):
            if len(parts) > 1:
                table = self._tables.get((scope, parts[-2]))
                if parts[-2] in names and (is_key or (table is None and is_key)):
                    return scope, parts[-2]
            elif is_key:
                tenant = [name for name, is_tenant in names.items() if is_tenant]
                if len(tenant) == 1:
                    return scope, tenant[0]
        return None

    def _join(self, one: Place, other: Place) -> None:
        self._same[self._root(one)] = self._root(other)

    def _root(self, place: Place) -> Place:
        while (above := self._same.get(place, place)) != place:
            place = above
        return place


def _is_constant(node: Any) -> bool:
    if isinstance(node, ast.TypeCast):
        return _is_constant(node.arg)
    if isinstance(node, ast.ColumnRef):  # a variable of a function
        name = node.fields[-1]
        return isinstance(name, ast.String) and name.sval in ("of_workspace", "its_workspace")
    if isinstance(node, tuple):
        return len(node) == 1 and _is_constant(node[0])
    return isinstance(node, (ast.ParamRef, ast.A_Const))


@cache
def tenant_names() -> frozenset[str]:
    from contacthub_project.db.distribution.tables import tenant_tables

    return frozenset(tenant_tables())


@cache
def unpinned_tables(statement: str) -> tuple[str, ...]:
    """The tenant tables that a statement reads or changes without naming one workspace."""
    tenant = tenant_names()
    if not any(table in statement for table in tenant):
        return ()
    try:
        parsed = parse_sql(PLACEHOLDER.sub("$1", statement).replace("%%", "%"))
    except ParseError:
        return ()  # not for us to say; a test of errors may send anything
    found: list[str] = []
    for each in parsed:
        if isinstance(each.stmt, QUERIES):
            reading = _Reading(tenant)
            reading.query(each.stmt, frozenset())
            found += reading.unpinned()
    return tuple(found)


def _callers() -> Iterator[str]:
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(str(ROOT)) and "/.venv/" not in name:
            place = f"{Path(name).relative_to(ROOT)}"
            if place not in PASSED:
                yield f"{place}:{frame.f_code.co_name}"
        frame = frame.f_back  # type: ignore[assignment]


offences: list[str] = []
"""What was found since it was emptied."""


def watch() -> None:
    """Look at every statement that psycopg executes in this process."""
    original = psycopg.Cursor.execute

    def execute(cursor: Any, query: Any, *args: Any, **options: Any) -> Any:
        text = query if isinstance(query, str) else query.as_string(cursor) if hasattr(query, "as_string") else ""  # fmt: skip
        if text and unpinned_tables(text):
            callers = list(_callers())
            if callers and not callers[0].startswith("tests/") and callers[0] not in SWEEPS:
                offences.append(f"{callers[0]} {unpinned_tables(text)}: {text[:2000]}")
        return original(cursor, query, *args, **options)

    psycopg.Cursor.execute = execute  # type: ignore[method-assign]
