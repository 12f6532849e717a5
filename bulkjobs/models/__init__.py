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
    "Outcome",
    "Result",
]
