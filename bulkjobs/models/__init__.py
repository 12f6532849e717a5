from bulkjobs.models.export_job import ExportJob
from bulkjobs.models.forgotten import ForgottenIdentity, digest_of
from bulkjobs.models.job import (
    BulkJob,
    BulkJobEntity,
    BulkJobOperation,
    BulkJobQuerySet,
    BulkJobStatus,
    ClockTimestamp,
    Outcome,
    Result,
)

__all__ = [
    "BulkJob",
    "BulkJobEntity",
    "BulkJobOperation",
    "BulkJobQuerySet",
    "BulkJobStatus",
    "ClockTimestamp",
    "ExportJob",
    "ForgottenIdentity",
    "Outcome",
    "Result",
    "digest_of",
]
