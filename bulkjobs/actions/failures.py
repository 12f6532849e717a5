"""Handles unexpected exceptions of rows and jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID, uuid4

import structlog
from django.db import DataError, InterfaceError, OperationalError, transaction

from bulkjobs.actions.applying import applied
from bulkjobs.actions.rows import Row, RowResult
from bulkjobs.models import BulkJob
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import ContacthubError, FieldError
from contacthub_project.runtime.logs import failure_details, sqlstate
from customers.actions.bulk_upsert import ConcurrentInsert
from customers.actions.writes import NodeNotOpen

INTERNAL: Final = "internal"
# Classes of PostgreSQL's codes that concern the server or other transactions, not rows:
# connection, rollback, resources, prerequisite state, operator intervention, system.
OF_THE_SERVER = ("08", "40", "53", "55", "57", "58")
STATEMENT_TOOK_TOO_LONG = "57014"
RETRYABLE = ("40001", "40P01", "55P03")  # serialization, deadlock, lock not available

log = structlog.get_logger("contacthub.bulkjobs")


class UnexpectedFailures:
    """The unexpected exceptions of a job's rows; each kind is logged once, with its first row."""

    def __init__(self, job_id: UUID) -> None:
        self.job_id = job_id
        self.logrefs: dict[tuple[str, str | None, tuple[str, ...]], str] = {}

    def result_of(self, row: int, failure: Exception) -> RowResult:
        """Return a failed row, with the logref of the exception's log line."""
        if isinstance(failure, DataError):
            error = FieldError("", "holds a value that cannot be stored", "unstorable")
            return RowResult.failure(row, [error])
        details = failure_details(failure)
        kind = (details["kind"], details["cause"], tuple(details["trace"]))
        logref = self.logrefs.get(kind)
        if logref is None:
            logref = self.logrefs[kind] = str(uuid4())
            log.error(
                "bulk job row failed", job=str(self.job_id), row=row, logref=logref, **details
            )
        return RowResult.failure(
            row, [FieldError("", f"internal error, logref {logref}", INTERNAL)]
        )


def applied_in_isolation(
    workspace: WorkspaceRules, job: BulkJob, rows: Sequence[Row], failures: UnexpectedFailures
) -> list[RowResult]:
    """As `applied`, but an unexpected exception fails only the row that raises it.

    Rows that fail together are retried by halves. Raises what `applied` raises, and failures of the
    server or because of other transactions.
    """
    if not rows:
        return []
    try:
        with transaction.atomic():
            return applied(workspace, job, rows)
    except (ContacthubError, NodeNotOpen, ConcurrentInsert):
        raise
    except Exception as failure:
        if is_of_the_server(failure):
            raise
        if len(rows) == 1:
            return [failures.result_of(rows[0].number, failure)]
    middle = len(rows) // 2
    return [
        *applied_in_isolation(workspace, job, rows[:middle], failures),
        *applied_in_isolation(workspace, job, rows[middle:], failures),
    ]


def is_of_the_server(failure: Exception) -> bool:
    """Return whether a failure is independent of rows: of the server, or by other transactions."""
    if isinstance(failure, InterfaceError):
        return True
    if not isinstance(failure, OperationalError):
        return False
    code = sqlstate(failure)
    return code is None or (code.startswith(OF_THE_SERVER) and code != STATEMENT_TOOK_TOO_LONG)


def is_retryable(failure: OperationalError) -> bool:
    """Whether the transaction is to be begun anew because of another one."""
    return sqlstate(failure) in RETRYABLE


def log_failure(job_id: UUID, failure: BaseException) -> str:
    """Log an unexpected exception of a whole job; return its logref."""
    logref = str(uuid4())
    log.error("bulk job failed", job=str(job_id), logref=logref, **failure_details(failure))
    return logref
