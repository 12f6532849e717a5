from bulkjobs.admin.exports import ExportJobAdmin
from bulkjobs.admin.imports import BulkJobAdmin

__all__ = ["BulkJobAdmin", "ExportJobAdmin"]
