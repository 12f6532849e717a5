"""What uploads owe a person who is to be forgotten: not to bring them back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from bulkjobs.models import BulkJob, BulkJobStatus
from customers.observers import CustomerObserver

HOLDS_A_FORGOTTEN_PERSON = "the file held a person who has been forgotten meanwhile"
NAMED_SOMEBODY = "(named a person who has been forgotten)"
BLOCK = 1 << 20


class BulkJobObserver(CustomerObserver):
    """Registered with `customers.observers`. Files of jobs that have ended are gone already.

    A customer who is deleted may be made again by a file: that is what it is for.
    """

    def customer_forgotten(
        self, *, workspace_id: UUID, customer_id: UUID, known_by: Collection[str] = ()
    ) -> None:
        """End every job that is still to be done and whose file names the person.

        What was told of unusable files quotes their first line, which may be anything.
        """
        jobs = BulkJob.objects.filter(workspace_id=workspace_id)
        for text in filter(None, known_by):
            jobs.filter(error_message__icontains=text).update(error_message=NAMED_SOMEBODY)
            jobs.filter(filename__icontains=text).update(filename=NAMED_SOMEBODY)
        waiting = jobs.exclude(file="")
        needles = [text.casefold() for text in known_by if text]
        for job in waiting if needles else ():
            name = job.file.name or ""
            if _mentions(name, needles):
                BulkJob.objects.filter(id=job.id).update(
                    status=BulkJobStatus.FAILED,
                    error_message=HOLDS_A_FORGOTTEN_PERSON,
                    file="",
                    updated_at=timezone.now(),
                )
                transaction.on_commit(partial(default_storage.delete, name))


def _mentions(name: str, needles: Sequence[str]) -> bool:
    """Whether a file holds one of the texts, in any case; read block by block."""
    longest = max(map(len, needles)) * 4
    try:
        with default_storage.open(name) as file:
            before = ""
            while block := file.read(BLOCK):
                text = before + block.decode("utf-8", "ignore").casefold()
                if any(needle in text for needle in needles):
                    return True
                before = text[-longest:]
    except FileNotFoundError:
        pass
    return False
