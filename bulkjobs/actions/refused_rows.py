"""Counts and quarantines the failed rows of a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bulkjobs.actions.event_rows import event_body
from bulkjobs.actions.rows import RowResult
from bulkjobs.models import BulkJob, BulkJobEntity, BulkJobOperation, Outcome
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import FieldError
from customers.actions.refusal_writes import RefusedData
from customers.domain.refusals import BY_CODE, RefusalOrigin, RefusalReason, RefusedEntity

# A few examples suffice for millions of rows that fail for the same reason.
EXAMPLES_OF_CHUNK = 20


def refused_rows(
    workspace: WorkspaceRules, job: BulkJob, results: Sequence[RowResult]
) -> list[RefusedData]:
    """Return the refused rows, the first of them with their bodies."""
    return list(_refused(workspace, job, results))


def _refused(
    workspace: WorkspaceRules, job: BulkJob, results: Sequence[RowResult]
) -> Iterator[RefusedData]:
    is_customer = job.entity == BulkJobEntity.CUSTOMER
    examples = 0
    for result in results:
        if result.outcome not in {Outcome.FAILED, Outcome.FORGOTTEN}:
            continue
        forgotten = result.outcome == Outcome.FORGOTTEN
        body = None
        if not forgotten and result.body is not None and examples < EXAMPLES_OF_CHUNK:
            body = _body_of(workspace, job, result.body)
            examples += body is not None
        yield RefusedData(
            entity=RefusedEntity.CUSTOMER if is_customer else RefusedEntity.EVENT,
            origin=RefusalOrigin.BULK_JOB,
            reason=RefusalReason.FORGOTTEN if forgotten else _reason_of(result),
            source_id=job.author_source,
            user_id=job.author_user,
            message=result.message or "",
            errors=[_error_of(result)],
            body=body,
            node_id=job.node_id,
            type="" if is_customer else job.event_type,
        )


def _error_of(result: RowResult) -> FieldError:
    code: Any = result.code or "cell"
    return FieldError(result.column or "", result.message or "", code)


def _reason_of(result: RowResult) -> RefusalReason:
    return result.reason or BY_CODE.get(result.code or "", RefusalReason.VALIDATION)


def _body_of(
    workspace: WorkspaceRules, job: BulkJob, body: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the body of the equivalent request; None when the row creates nothing."""
    node = workspace.nodes.get(job.node_id)
    if node is None or job.operation == BulkJobOperation.DELETE:
        return None
    if job.entity == BulkJobEntity.EVENT:
        return event_body(job, node, dict(body))
    return {"nodeId": str(node.id), **{name: body[name] for name in body if name != "id"}}
