"""URLs of bulk jobs, by the contract's path templates."""

from bulkjobs.api.views import (
    BulkJobReportView,
    BulkJobResultsView,
    BulkJobsView,
    BulkJobView,
    NodeExportView,
)
from contacthub_project.api.operations import route

JOBS = "/workspaces/{workspaceId}/nodes/{nodeId}/bulk-jobs"

urlpatterns = [
    route(JOBS, BulkJobsView),
    route("/workspaces/{workspaceId}/nodes/{nodeId}/export", NodeExportView),
    route(JOBS + "/{jobId}", BulkJobView),
    route(JOBS + "/{jobId}/results", BulkJobResultsView),
    route(JOBS + "/{jobId}/report", BulkJobReportView),
]
