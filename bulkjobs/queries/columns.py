"""The columns that files can have, and those of a job's file."""

from __future__ import annotations

from bulkjobs.domain.columns import Column, PossibleColumns, customer_columns, event_columns
from bulkjobs.domain.headers import ColumnChoice
from bulkjobs.models import BulkJob, BulkJobEntity
from configuration.queries.rules import WorkspaceRules


def possible_columns(
    workspace: WorkspaceRules, entity: str, event_type: str | None
) -> PossibleColumns:
    """The columns that a file can have; `event_type` is of events."""
    if entity == BulkJobEntity.CUSTOMER:
        return customer_columns(workspace.customer_schema)
    assert event_type is not None, "events have a type"
    schema = workspace.event_schema(event_type)
    return event_columns(schema, schema.kinds_of_parts())


def columns_of(workspace: WorkspaceRules, job: BulkJob) -> list[Column]:
    """The columns of a job's file; raises BadFile naming those whose property has gone."""
    choices = [ColumnChoice(*each) for each in job.columns]
    possible = possible_columns(workspace, job.entity, job.event_type)
    return possible.columns(choices)
