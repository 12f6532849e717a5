"""The possible columns of files, and those of a job's file."""

from __future__ import annotations

from bulkjobs.domain.columns import Column, PossibleColumns, customer_columns, event_columns
from bulkjobs.domain.headers import ColumnChoice
from bulkjobs.models import BulkJob, BulkJobEntity
from configuration.queries.rules import WorkspaceRules


def possible_columns(
    workspace: WorkspaceRules, entity: str, event_type: str | None
) -> PossibleColumns:
    """Return the possible columns of a file; `event_type` is for events."""
    if entity == BulkJobEntity.CUSTOMER:
        return customer_columns(workspace.customer_schema)
    assert event_type is not None, "events have a type"
    schema = workspace.event_schema(event_type)
    return event_columns(schema, schema.kinds_of_parts())


def columns_of(workspace: WorkspaceRules, job: BulkJob) -> list[Column]:
    """Return the columns of a job's file.

    Raises BadFile naming those whose property was removed.
    """
    choices = [ColumnChoice(*each) for each in job.columns]
    possible = possible_columns(workspace, job.entity, job.event_type)
    return possible.columns(choices)
