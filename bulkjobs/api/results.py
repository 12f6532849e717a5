"""The results of a job as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from bulkjobs.domain.cells import safe_cell, safe_raw_cell
from bulkjobs.domain.headers import LEFT_OUT
from bulkjobs.models import BulkJob, Outcome, Result

RESULT_PAGE = 1000
RESULT_COLUMNS = ("row", "outcome", "id", "error", "column", "code", "warning")
REASON = f"{LEFT_OUT}error"
BYTE_ORDER_MARK = "\ufeff".encode()


def results_csv(job: BulkJob, outcome: str | None = None) -> Iterator[bytes]:
    """Yield the results of rows, of one outcome or all, in order, with their identifying cells."""
    identifying = _identifying(job)
    yield _lines([[*RESULT_COLUMNS, *map(safe_cell, identifying)]])
    for page in _pages(job, outcome):
        yield _lines(_result_cells(each, identifying) for each in page)


def failed_rows_csv(job: BulkJob) -> Iterator[bytes]:
    """Yield the failed rows with their cells, to be corrected and sent again, and the reasons."""
    names = [header for header, _ in job.columns]
    kept = [position for position, name in enumerate(names) if name != REASON]
    separator = (job.layout or {}).get("separator") or ","
    header = [*(safe_cell(names[each]) for each in kept), REASON]
    yield BYTE_ORDER_MARK + _lines([header], separator)
    for page in _pages(job, Outcome.FAILED):
        yield _lines(
            (
                [
                    *(safe_raw_cell(cells[each]) if each < len(cells) else "" for each in kept),
                    safe_cell(result.message or "?"),
                ]
                for result in page
                if (cells := result.cells) is not None
            ),
            separator,
        )


def _identifying(job: BulkJob) -> list[str]:
    """Return the columns of the file that identify its rows, by the first row that has any."""
    found = Result.objects.filter(
        workspace_id=job.workspace_id, job_id=job.id, identity__isnull=False
    ).order_by("row")[:RESULT_PAGE]
    identities = found.values_list("identity", flat=True)
    named = {name for identity in identities for name in identity or ()}
    return [header for header, _ in job.columns if header in named]


def _pages(job: BulkJob, outcome: str | None) -> Iterator[list[Result]]:
    results = Result.objects.filter(workspace_id=job.workspace_id, job_id=job.id)
    if outcome is not None:
        results = results.filter(outcome=outcome)
    last = -1
    while page := list(results.filter(row__gt=last).order_by("row")[:RESULT_PAGE]):
        yield page
        last = page[-1].row


def _result_cells(result: Result, identifying: Sequence[str]) -> list[str]:
    has_failed = result.outcome == Outcome.FAILED
    message = safe_cell(result.message) if result.message else ""
    identity = result.identity or {}
    return [
        str(result.row),
        result.outcome,
        str(result.entity_id or ""),
        message if has_failed else "",
        safe_cell(result.column) if result.column else "",
        result.code or "",
        "" if has_failed else message,
        *(safe_cell(identity[name]) if identity.get(name) else "" for name in identifying),
    ]


def _lines(rows: Iterable[Sequence[str]], separator: str = ",") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue().encode()
