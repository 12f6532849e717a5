from bulkjobs.models.export_job import ExportJob
from bulkjobs.models.forgotten import ForgottenIdentity, digest_of
from bulkjobs.models.job import (
    BulkJob,
    BulkJobEntity,
    BulkJobOperation,
    BulkJobQuerySet,
    BulkJobStatus,
    Outcome,
    Result,
)
from contacthub_project.db.clock import StatementTimestamp

__all__ = [
    "BulkJob",
    "BulkJobEntity",
    "BulkJobOperation",
    "BulkJobQuerySet",
    "BulkJobStatus",
    "ExportJob",
    "ForgottenIdentity",
    "Outcome",
    "Result",
    "StatementTimestamp",
    "digest_of",
]
