"""Converts a job's file to the form in which its rows can be read from any position."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction

from bulkjobs.actions.claims import Claim
from bulkjobs.actions.storage import cached_file, forget_copy, store_file
from bulkjobs.domain.files.tables import KeptTable, Layout, kept_form
from bulkjobs.models import BulkJob
from contacthub_project.api.uploads import discard_file
from contacthub_project.db.leases import LeaseLost

Item = TypeVar("Item")
LOOK_SECONDS = 1.0  # between checks whether the claim still holds


def convert(claim: Claim, job: BulkJob, *, between_pieces: Callable[[], object]) -> None:
    """Convert the file of a job, and count its rows.

    About every second `between_pieces` is called, for other work. A killed worker leaves the job
    as it was, to be converted again. Raises BadFile, LeaseLost, OSError.
    """
    layout = Layout.from_json(job.layout)
    raw = job.file.name or ""
    with cached_file(raw) as file:
        pieces = kept_form(file, layout, most_bytes=settings.BULK_BYTES)
        kept = store_file(_renewing_lease(pieces, claim, between_pieces))
    try:
        with cached_file(kept) as file:
            table = KeptTable(file, layout)
            table.header()
            offset, lines = table.offset, table.lines
            total = sum(1 for _ in _renewing_lease(table, claim, between_pieces))
        _take(claim, raw, kept, offset=offset, lines=lines, total=total, blank=table.blank)
    except BaseException:
        discard_file(kept)
        raise
    forget_copy(raw)


@transaction.atomic
def _take(claim: Claim, raw: str, kept: str, **places: int) -> None:
    if not claim.job().update(file=kept, is_raw=False, **places):
        raise LeaseLost
    transaction.on_commit(partial(default_storage.delete, raw), robust=True)


def _renewing_lease(
    items: Iterable[Item], claim: Claim, between_pieces: Callable[[], object]
) -> Iterator[Item]:
    looked = time.monotonic()
    for item in items:
        yield item
        if time.monotonic() - looked >= LOOK_SECONDS:
            if not claim.extend():
                raise LeaseLost
            between_pieces()
            looked = time.monotonic()
