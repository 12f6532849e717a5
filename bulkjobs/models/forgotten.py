"""Identities that were forgotten after a file was uploaded."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import models
from django.utils.crypto import salted_hmac

from bulkjobs.models.job import BulkJob
from contacthub_project.db.keys import (
    TenantForeignKey,
    TenantForeignKeyConstraint,
    TenantModel,
    TenantPrimaryKey,
)

SALT = "bulkjobs.forgotten"


class ForgottenIdentityQuerySet(models.QuerySet["ForgottenIdentity"]):
    def note(
        self, workspace_id: UUID, job_ids: Collection[UUID], identities: Collection[str]
    ) -> None:
        """Make jobs skip rows with one of these identities, from now on."""
        digests = [digest_of(each) for each in sorted(identities)]
        self.bulk_create(
            [
                self.model(workspace_id=workspace_id, job_id=job_id, digest=digest)
                for job_id in job_ids
                for digest in digests
            ],
            ignore_conflicts=True,
        )

    def digests_for(self, workspace_id: UUID, job_id: UUID) -> frozenset[bytes]:
        """Return those that a job must skip."""
        kept = self.filter(workspace_id=workspace_id, job_id=job_id)
        return frozenset(map(bytes, kept.values_list("digest", flat=True)))


class ForgottenIdentity(TenantModel):
    """An identity of a forgotten person, as a digest under the secret key; deleted with its job.

    Written without a lock on the job, so that forgetting waits for no import: workers check before
    and after applying rows.
    """

    workspace_id = models.UUIDField()
    job = TenantForeignKey(BulkJob, on_delete=models.DO_NOTHING, db_index=False)
    digest = models.BinaryField()

    objects = ForgottenIdentityQuerySet.as_manager()

    class Meta:
        constraints = [
            TenantPrimaryKey(name="bulk_forgotten_key"),
            TenantForeignKeyConstraint(
                field="job_id", to="bulkjobs.BulkJob", name="bulk_forgotten_of_job"
            ),
            models.UniqueConstraint(
                fields=["workspace_id", "job", "digest"], name="bulk_forgotten_once"
            ),
        ]

    def __str__(self) -> str:
        return str(self.job_id)


def digest_of(identity: str) -> bytes:
    """Return the stored digest of an identity."""
    return salted_hmac(SALT, identity, algorithm="sha256").digest()
