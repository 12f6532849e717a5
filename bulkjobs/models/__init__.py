from bulkjobs.models.job import (
    BulkJob,
    BulkJobEntity,
    BulkJobOperation,
    BulkJobStatus,
    Outcome,
    Result,
)

__all__ = ["BulkJob", "BulkJobEntity", "BulkJobOperation", "BulkJobStatus", "Outcome", "Result"]
