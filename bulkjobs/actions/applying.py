"""Applies rows by the actions of the single operations."""

from __future__ import annotations

from collections.abc import Sequence

from bulkjobs.actions.customer_rows import delete_customers, upsert_customers
from bulkjobs.actions.event_rows import delete_events, store_events
from bulkjobs.actions.rows import Row, RowResult
from bulkjobs.models import BulkJob, BulkJobEntity, BulkJobOperation
from configuration.domain.permissions import TRUSTED_APPLICATION
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.principal import Principal
from customers.actions.validation import open_node


def applied(workspace: WorkspaceRules, job: BulkJob, rows: Sequence[Row]) -> list[RowResult]:
    """Apply rows within the caller's transaction; a refused row does not affect the others.

    Raises Locked, NotFound or Forbidden when the node accepts none.
    """
    node = open_node(workspace, job.node_id)
    by = _author(job)
    if job.entity == BulkJobEntity.CUSTOMER:
        if job.operation == BulkJobOperation.DELETE:
            return delete_customers(workspace, node, rows, by)
        return upsert_customers(workspace, node, job, rows, by)
    if job.operation == BulkJobOperation.DELETE:
        return delete_events(workspace, node, rows)
    return store_events(workspace, node, job, rows, by)


def _author(job: BulkJob) -> Principal:
    """Return the uploader as a principal with access to the job's node only."""
    return Principal(
        roles=frozenset({TRUSTED_APPLICATION}),
        workspaces=frozenset({job.workspace_id}),
        nodes={job.node_id: "RW"},
        user_id=job.author_user,
        source_id=job.author_source,
    )
