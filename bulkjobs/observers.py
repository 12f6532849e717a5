"""What uploads owe a person who is to be forgotten: not to bring them back."""

from __future__ import annotations

import re
from uuid import UUID

from bulkjobs.actions.exporting import withdraw_exports
from bulkjobs.domain.identities import identities_of, texts_of
from bulkjobs.models import BulkJob, BulkJobStatus, ForgottenIdentity, Result, digest_of
from customers.observers import CustomerObserver, ForgottenPerson

FORGOTTEN = "(forgotten)"
WITHHELD = {"identity": None, "cells": None, "digests": None}


class BulkJobObserver(CustomerObserver):
    """Registered with `customers.observers`. Files of jobs that have ended are gone already.

    A customer who is deleted may be made again by a file: that is what it is for.
    """

    def customer_forgotten(
        self, *, workspace_id: UUID, customer_id: UUID, person: ForgottenPerson | None = None
    ) -> None:
        """Have the node's jobs that are under way, or stopped, leave the person's rows out.

        What results have of the person's rows goes: what identifies them, and the cells of those
        that failed.
        What was told of unusable files quotes names of columns, which may be anything where the
        header is missing: a quoted value of the person goes.
        """
        withdraw_exports(workspace_id)
        Result.objects.filter(entity_id=customer_id).update(**WITHHELD)
        if person is None:
            return
        jobs = BulkJob.objects.in_node(workspace_id, person.node_id)
        under_way = list(jobs.exclude(file="").values_list("id", flat=True))
        identities = identities_of(person.policy, person.document)
        ForgottenIdentity.objects.note(under_way, identities)
        digests = [digest_of(each).hex() for each in sorted(identities)]
        of_them = Result.objects.filter(digests__overlap=digests, job__node_id=person.node_id)
        of_them.update(**WITHHELD)
        for text in texts_of(person.policy, person.document):
            told = jobs.filter(status=BulkJobStatus.FAILED, error_message__icontains=text)
            for job in told:
                BulkJob.objects.filter(id=job.id).update(
                    error_message=_without(job.error_message or "", text)
                )


def _without(message: str, text: str) -> str:
    """A message that quotes a text among others, without it."""
    whole = rf"(?<=[:,] ){re.escape(text)}(?=,|;| \(is it | and |$)"
    return re.sub(whole, FORGOTTEN, message, flags=re.IGNORECASE)
