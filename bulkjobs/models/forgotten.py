"""Who has been forgotten since a file came in."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import models
from django.utils.crypto import salted_hmac

from bulkjobs.models.job import BulkJob

SALT = "bulkjobs.forgotten"


class ForgottenIdentityQuerySet(models.QuerySet["ForgottenIdentity"]):
    def note(self, job_ids: Collection[UUID], identities: Collection[str]) -> None:
        """Have jobs leave out rows with one of these identities, from now on."""
        digests = [digest_of(each) for each in sorted(identities)]
        self.bulk_create(
            [self.model(job_id=job_id, digest=digest) for job_id in job_ids for digest in digests],
            ignore_conflicts=True,
        )

    def digests_for(self, job_id: UUID) -> frozenset[bytes]:
        """Those that a job is to leave out."""
        return frozenset(map(bytes, self.filter(job_id=job_id).values_list("digest", flat=True)))


class ForgottenIdentity(models.Model):
    """An identity of a forgotten person, as a digest under the secret key; goes with its job's end.

    Noted without a lock on the job, so that forgetting waits for no import: who applies rows looks
    before and after.
    """

    job = models.ForeignKey(BulkJob, on_delete=models.CASCADE, db_index=False)
    digest = models.BinaryField()

    objects = ForgottenIdentityQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "digest"], name="bulk_forgotten_once")
        ]

    def __str__(self) -> str:
        return str(self.job_id)


def digest_of(identity: str) -> bytes:
    """The digest under which an identity is kept."""
    return salted_hmac(SALT, identity, algorithm="sha256").digest()
