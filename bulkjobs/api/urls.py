"""URLs of bulk jobs, by the contract's path templates."""

from bulkjobs.api.export_views import (
    ImportTemplateView,
    NodeExportFileView,
    NodeExportJobView,
    NodeExportsView,
    NodeExportView,
)
from bulkjobs.api.views import (
    BulkJobReportView,
    BulkJobResultsView,
    BulkJobsView,
    BulkJobView,
)
from contacthub_project.api.operations import route

EXPORTS = "/workspaces/{workspaceId}/nodes/{nodeId}/exports"
JOBS = "/workspaces/{workspaceId}/nodes/{nodeId}/bulk-jobs"

urlpatterns = [
    route(JOBS, BulkJobsView),
    route("/workspaces/{workspaceId}/nodes/{nodeId}/export", NodeExportView),
    route("/workspaces/{workspaceId}/nodes/{nodeId}/import-template", ImportTemplateView),
    route(EXPORTS, NodeExportsView),
    route(EXPORTS + "/{exportId}", NodeExportJobView),
    route(EXPORTS + "/{exportId}/file", NodeExportFileView),
    route(JOBS + "/{jobId}", BulkJobView),
    route(JOBS + "/{jobId}/results", BulkJobResultsView),
    route(JOBS + "/{jobId}/report", BulkJobReportView),
]
