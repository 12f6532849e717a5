"""Applies some rows of a job, and records their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import orjson
from django.db import transaction

from bulkjobs.actions.failures import UnexpectedFailures, applied_in_isolation
from bulkjobs.actions.rows import Row, RowResult
from bulkjobs.domain.cells import CellRules
from bulkjobs.domain.columns import EVENT_EXTERNAL_ID, holds_secret
from bulkjobs.domain.faults import BadRow
from bulkjobs.domain.files.csv_rows import FileRow
from bulkjobs.domain.row_bodies import check_width, read_row
from bulkjobs.models import BulkJob, BulkJobEntity, ForgottenIdentity, Outcome, Result, digest_of
from bulkjobs.queries.columns import columns_of
from configuration.queries.rules import WorkspaceRules
from contacthub_project.db.sql import fetch_one, load
from customers.domain.identifying_values import EMAIL, EXTERNAL_ID, identities_of
from customers.domain.merge import EMPTY, for_create

NOTE_RESULTS = load("bulkjobs/sql/note_results")
# What names an event, none of it a person's own.
IDENTITY_OF_EVENTS = frozenset({"id", "customerId", EVENT_EXTERNAL_ID})
IDENTITY_OF_CUSTOMERS = frozenset({"id", EXTERNAL_ID, EMAIL})


def tried(
    workspace: WorkspaceRules,
    job: BulkJob,
    file_rows: Sequence[FileRow],
    forgotten: Set[bytes],
) -> list[RowResult]:
    """Return the results of rows; in a dry run the effects are rolled back.

    Rows with a `forgotten` digest are left out.
    """
    results = _Attempt(workspace, job, forgotten).results(file_rows)
    if job.dry_run:
        known = {Outcome.UPDATED, Outcome.UNCHANGED, Outcome.DELETED}
        return [
            each if each.outcome in known else replace(each, entity_id=None) for each in results
        ]
    return results


class _Attempt:
    """Rows of a job that are read and applied."""

    def __init__(self, workspace: WorkspaceRules, job: BulkJob, forgotten: Set[bytes]) -> None:
        self._workspace = workspace
        self._job = job
        self._node = workspace.nodes.get(job.node_id)
        self._forgotten = forgotten
        self._columns = columns_of(workspace, job)
        self._names = {column.path: column.name for column in self._columns}
        self._rules = CellRules.from_json(job.cell_rules)
        self._unnamed = {position for position, (header, _) in enumerate(job.columns) if not header}
        self._identifying = self._identifying_columns()
        self._secret = {each.position for each in self._columns if holds_secret(each.path)}
        self._failures = UnexpectedFailures(job.id)

    def results(self, file_rows: Sequence[FileRow]) -> list[RowResult]:
        """Return the results of rows, in order."""
        bodies: dict[int, Mapping[str, Any]] = {}
        rows, results = [], []
        for line, cells in file_rows:
            try:
                reading = self._read(cells)
                bodies[line] = reading.body
                if self._forgotten and not self._forgotten.isdisjoint(self._digests(reading.body)):
                    results.append(RowResult(line, Outcome.FORGOTTEN))
                    continue
                size = len(orjson.dumps(reading.body))
                rows.append(Row(line, reading.body, size, self._names, reading.warnings))
            except BadRow as bad:
                bodies[line] = bad.body
                results.append(RowResult.failure(line, bad.errors))
            except Exception as failure:
                results.append(self._failures.result_of(line, failure))
        results += self._applied(rows)
        cells_of = dict(file_rows)
        return sorted(
            (self._identified(each, cells_of[each.row], bodies.get(each.row)) for each in results),
            key=lambda result: result.row,
        )

    def _read(self, cells: Sequence[str]) -> Any:
        check_width(cells, width=len(self._job.columns), unnamed=self._unnamed)
        return read_row(self._columns, cells, self._rules)

    def _applied(self, rows: Sequence[Row]) -> list[RowResult]:
        if self._job.dry_run:
            with transaction.atomic():
                done = applied_in_isolation(self._workspace, self._job, rows, self._failures)
                transaction.set_rollback(True)
        else:
            done = applied_in_isolation(self._workspace, self._job, rows, self._failures)
        warnings = {row.number: row.warnings for row in rows if row.warnings}
        return [each.with_warnings(warnings.get(each.row, ())) for each in done]

    def _identifying_columns(self) -> list[tuple[str, int]]:
        """Return names and positions of the columns that identify a row."""
        if self._job.entity == BulkJobEntity.EVENT:
            paths = IDENTITY_OF_EVENTS
        else:
            unique = self._node.matching.identifying if self._node else ()
            paths = IDENTITY_OF_CUSTOMERS.union(unique)
        return [(each.name, each.position) for each in self._columns if each.path in paths]

    def _identified(
        self, result: RowResult, cells: list[str], body: Mapping[str, Any] | None
    ) -> RowResult:
        """Return a result with the identifying cells of its row and, if it failed, all cells.

        The cells of a failed row without an identity are not kept, and no cells of passwords.
        """
        if result.outcome == Outcome.FORGOTTEN:
            return result
        identity = {
            name: cells[position]
            for name, position in self._identifying
            if position < len(cells) and cells[position]
        }
        if result.outcome != Outcome.FAILED:
            result.identity = identity
            return result
        try:
            digests = sorted(each.hex() for each in self._digests(body or {}))
        except Exception:
            return result
        visible_cells = ["" if place in self._secret else cell for place, cell in enumerate(cells)]
        return replace(result, identity=identity, cells=visible_cells, digests=digests, body=body)

    def _digests(self, body: Mapping[str, Any]) -> set[bytes]:
        """Return the digests of the identities in a row."""
        if self._node is None:
            return set()
        is_customer = self._job.entity == BulkJobEntity.CUSTOMER
        document = for_create(EMPTY, dict(body)) if is_customer else body
        return {digest_of(each) for each in identities_of(self._node.matching, document)}


def note_results(job: BulkJob, results: Sequence[RowResult]) -> None:
    """Store the results of rows."""
    fetch_one(
        NOTE_RESULTS,
        {
            "workspace_id": job.workspace_id,
            "job_id": job.id,
            "rows": [each.row for each in results],
            "outcomes": [each.outcome for each in results],
            "entity_ids": [each.entity_id for each in results],
            "messages": [each.message for each in results],
            "columns": [each.column for each in results],
            "codes": [each.code for each in results],
            "identities": [_json(each.identity) for each in results],
            "cells": [_json(each.cells) for each in results],
            "digests": [_json(each.digests) for each in results],
        },
        prepare=False,
    )


def _json(value: Any) -> str | None:
    """Return a value as PostgreSQL can store it in JSON: without NUL characters."""
    if value is None:
        return None
    text = orjson.dumps(value).decode()
    if "\\u0000" in text:
        return orjson.dumps(_without_zeros(value)).decode()
    return text


def _without_zeros(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_zeros(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_zeros(each) for each in value]
    return value.replace("\0", "\ufffd")


def withhold_forgotten(job: BulkJob) -> None:
    """Remove data of people who were forgotten while the job was running from its results."""
    digests = [
        each.hex() for each in ForgottenIdentity.objects.digests_for(job.workspace_id, job.id)
    ]
    if digests:
        of_them = Result.objects.filter(
            workspace_id=job.workspace_id, job_id=job.id, digests__overlap=digests
        )
        of_them.update(identity=None, cells=None, digests=None)
