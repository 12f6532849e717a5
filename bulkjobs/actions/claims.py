"""Claims of jobs by workers (leases)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bulkjobs.models import BulkJob, BulkJobQuerySet
from contacthub_project.db.leases import Lease

LEASE_SECONDS = 15.0  # from the latest chunk on


@dataclass(frozen=True, slots=True)
class Claim(Lease):
    """A worker's lease of a job, for a slice of work that ends at a time of `time.monotonic`."""

    deadline: float

    def job(self) -> BulkJobQuerySet:
        """Return the job, unless it is stopped or no longer claimed by this worker."""
        return BulkJob.objects.to_do().held_by(self)

    def extend(self) -> bool:
        """Extend the claim; return False when it is lost."""
        return self.job().extend(LEASE_SECONDS)

    def is_over(self) -> bool:
        return time.monotonic() >= self.deadline
