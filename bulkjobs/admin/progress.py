"""The progress of imports and exports, for pages and their polling."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from bulkjobs.models import BulkJob, BulkJobStatus, ExportJob, Outcome

MOVING = frozenset({BulkJobStatus.LOADED, BulkJobStatus.SCHEDULED, BulkJobStatus.PROCESSING})
ENDED = frozenset({BulkJobStatus.PROCESSED, BulkJobStatus.FAILED})
VARIANTS = {
    BulkJobStatus.LOADED: "info",
    BulkJobStatus.SCHEDULED: "info",
    BulkJobStatus.PROCESSING: "primary",
    BulkJobStatus.STOPPED: "warning",
    BulkJobStatus.PROCESSED: "success",
    BulkJobStatus.FAILED: "danger",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a job as shown on a page; it changes while the job `moves`.

    `total` is None as long as it is not known. `parts` are texts by the name of the part of the
    page that shows them; `label` is the HTML of the state. `news` says how a job has ended,
    `has_refused` whether rows were refused, `has_file` whether an export can be fetched.
    """

    id: str
    moves: bool
    has_ended: bool
    done: int
    total: int | None
    label: str
    news: str
    parts: dict[str, str] = field(default_factory=dict)
    has_refused: bool = False
    has_file: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def import_progress(job: BulkJob) -> Progress:
    """Return the progress of an import."""
    total = None if job.is_raw or not job.total else job.total
    counts = {outcome: job.outcomes.get(outcome, 0) for outcome in Outcome.values}
    parts = {f"outcome-{outcome}": intcomma(count) for outcome, count in counts.items()}
    parts["counts"] = (
        _("%(done)s rows") % {"done": intcomma(job.processed)}
        if total is None
        else _("%(done)s of %(total)s rows")
        % {"done": intcomma(job.processed), "total": intcomma(total)}
    )
    parts["failed"] = intcomma(job.failed)
    parts["error"] = job.error_message or ""
    news = f"{job.filename}: {status_name(job.status)}. {parts['counts']}"
    if job.failed:
        news += ", " + _("%(count)s refused") % {"count": parts["failed"]}
    return Progress(
        id=str(job.id),
        moves=job.status in MOVING,
        has_ended=job.status in ENDED,
        done=job.processed,
        total=total if job.status in MOVING else max(job.total, 1),
        label=status_label(job.status),
        news=news,
        parts=parts,
        has_refused=job.status in ENDED and job.failed > 0,
    )


def export_progress(job: ExportJob) -> Progress:
    """Return the progress of an export; its total is unknown until it ends."""
    has_ended = job.status in ENDED
    written = _("%(done)s rows") % {"done": intcomma(job.written)}
    return Progress(
        id=str(job.id),
        moves=job.status in MOVING,
        has_ended=has_ended,
        done=1 if has_ended else 0,
        total=1 if has_ended else None,
        label=status_label(job.status),
        news=f"{_('Export')}: {status_name(job.status)}. {written}",
        parts={"counts": written, "error": job.error_message or ""},
        has_file=job.status == BulkJobStatus.PROCESSED,
    )


def status_name(status: str) -> str:
    """Return the name of a state."""
    names = {
        BulkJobStatus.LOADED: _("waiting"),
        BulkJobStatus.SCHEDULED: _("waiting"),
        BulkJobStatus.PROCESSING: _("running"),
        BulkJobStatus.STOPPED: _("stopped"),
        BulkJobStatus.PROCESSED: _("done"),
        BulkJobStatus.FAILED: _("failed"),
    }
    return names[BulkJobStatus(status)]


def status_label(status: str) -> str:
    """Return the HTML of a state."""
    context = {"text": status_name(status), "variant": VARIANTS[BulkJobStatus(status)]}
    return render_to_string("unfold/helpers/label.html", context)
