"""Removes forgotten people from jobs, exports and results."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db.models import Q, QuerySet

from bulkjobs.actions.exporting import withdraw_exports
from bulkjobs.models import (
    BulkJob,
    BulkJobStatus,
    ExportJob,
    ForgottenIdentity,
    Result,
    digest_of,
)
from customers.domain.identifying_values import (
    FORGOTTEN,
    every_text_of,
    identities_of,
    texts_of,
)
from customers.observers import CustomerObserver, ForgottenPerson, Holdings

WITHHELD = {"identity": None, "cells": None, "digests": None}
RESULTS, JOBS = Result._meta.db_table, BulkJob._meta.db_table
EXPORTS, UPLOADS = "exports", "uploads"


class BulkJobObserver(CustomerObserver):
    """Registered with `customers.observers`. Files of ended jobs are deleted already.

    A file may create a deleted customer again: that is intended.
    """

    def customers_forgotten(
        self, *, workspace_id: UUID, people: Sequence[ForgottenPerson], on_request: bool
    ) -> Holdings:
        """Remove people from exports, results and messages of jobs.

        Removed from results are the identifying cells, and the cells of failed rows. Messages of
        unusable files quote names of columns, which may be data where the header is missing: a
        person's quoted value is removed. With `on_request` running and stopped jobs of the nodes
        skip the people's rows.
        """
        forgotten = Holdings()
        gone = [person.deleted_at for person in people if person.deleted_at is not None]
        # Exports that started after a deletion do not contain the customer.
        before = None if on_request or not gone else max(gone)
        forgotten.files[EXPORTS] = withdraw_exports(workspace_id, begun_before=before)
        for person in people:
            forgotten.add(_forget(workspace_id, person, leave_out=on_request))
        return forgotten

    def aggregates_ended(self, *, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
        """Delete exports: those of the aggregate node contain the copies."""
        withdraw_exports(workspace_id)
        results = Result.objects.filter(workspace_id=workspace_id)
        results.filter(entity_id__in=customer_ids).update(**WITHHELD)

    def holdings(self, *, workspace_id: UUID, person: ForgottenPerson) -> Holdings:
        """Count results of a person, and files that may contain one."""
        held = Holdings()
        held.tables[RESULTS] = _results_of(workspace_id, person).count()
        jobs = BulkJob.objects.in_node(workspace_id, person.node_id)
        held.tables[JOBS] = len({job.id for job, _ in _quoting(jobs, person)})
        held.files[UPLOADS] = jobs.exclude(file="").count()
        exports = ExportJob.objects.filter(workspace_id=workspace_id)
        held.files[EXPORTS] = exports.exclude(file="").count()
        return held


def _forget(workspace_id: UUID, person: ForgottenPerson, *, leave_out: bool) -> Holdings:
    forgotten = Holdings()
    jobs = BulkJob.objects.in_node(workspace_id, person.node_id)
    if leave_out:
        under_way = list(jobs.exclude(file="").values_list("id", flat=True))
        identities = identities_of(person.policy, person.document)
        ForgottenIdentity.objects.note(workspace_id, under_way, identities)
        forgotten.files[UPLOADS] = len(under_way)
    forgotten.tables[RESULTS] = _results_of(workspace_id, person).update(**WITHHELD)
    quoting = {job.id for job, _ in _quoting(jobs, person)}
    for job in jobs.filter(id__in=quoting):
        message = job.error_message or ""
        for text in every_text_of(person.document):
            message = _without(message, text)
        jobs.filter(id=job.id).update(error_message=message)
    forgotten.tables[JOBS] = len(quoting)
    return forgotten


def _results_of(workspace_id: UUID, person: ForgottenPerson) -> QuerySet[Result]:
    """Return the results of a person: of the customer, or of rows that failed."""
    identities = sorted(identities_of(person.policy, person.document))
    digests = [digest_of(each).hex() for each in identities]
    results = Result.objects.filter(workspace_id=workspace_id)
    of_rows = Q(
        digests__overlap=digests, job__workspace_id=workspace_id, job__node_id=person.node_id
    )
    of_customer = Q(entity_id=person.customer_id)
    held = Q(identity__isnull=False) | Q(cells__isnull=False) | Q(digests__isnull=False)
    ids = results.filter(of_rows).values("id").union(results.filter(of_customer).values("id"))
    return results.filter(held, id__in=ids)


def _quoting(jobs: QuerySet[BulkJob], person: ForgottenPerson) -> Iterator[tuple[BulkJob, str]]:
    """Yield failed jobs whose message quotes a value of a person, and the value."""
    for text in sorted(texts_of(person.policy, person.document)):
        for job in jobs.filter(status=BulkJobStatus.FAILED, error_message__icontains=text):
            yield job, text


def _without(message: str, text: str) -> str:
    """Return a message without one of the texts that it quotes."""
    whole = rf"(?<=[:,] ){re.escape(text)}(?=,|;| \(is it | and |$)"
    return re.sub(whole, FORGOTTEN, message, flags=re.IGNORECASE)
