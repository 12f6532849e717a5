"""URLs of bulk jobs and exports, by the contract's path templates."""

from bulkjobs.api.viewsets.exports import ExportJobViewSet, NodeExportViewSet
from bulkjobs.api.viewsets.jobs import BulkJobViewSet
from contacthub_project.api.operations import route

NODE = "/workspaces/{workspaceId}/nodes/{nodeId}"
JOBS = NODE + "/bulk-jobs"
JOB = JOBS + "/{jobId}"
EXPORTS = NODE + "/exports"
EXPORT = EXPORTS + "/{exportId}"

urlpatterns = [
    route(JOBS, BulkJobViewSet, {"get": "list", "post": "create"}),
    route(NODE + "/export", NodeExportViewSet, {"get": "export"}),
    route(NODE + "/import-template", NodeExportViewSet, {"get": "import_template"}),
    route(EXPORTS, ExportJobViewSet, {"post": "create"}),
    route(EXPORT, ExportJobViewSet, {"get": "retrieve", "delete": "destroy"}),
    route(EXPORT + "/file", ExportJobViewSet, {"get": "file"}),
    route(JOB, BulkJobViewSet, {"get": "retrieve", "delete": "destroy"}),
    route(JOB + "/results", BulkJobViewSet, {"get": "results"}),
    route(JOB + "/report", BulkJobViewSet, {"get": "report"}),
]
