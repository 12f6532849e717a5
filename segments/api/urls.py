"""URLs of segments, by the contract's path templates."""

from contacthub_project.api.operations import route
from segments.api.viewsets.exports import SegmentExportViewSet
from segments.api.viewsets.members import SegmentMemberViewSet
from segments.api.viewsets.segments import SegmentViewSet

SEGMENTS = "/workspaces/{workspaceId}/segments"
SEGMENT = SEGMENTS + "/{segmentId}"

urlpatterns = [
    route(SEGMENTS, SegmentViewSet, {"get": "list", "post": "create"}),
    route(SEGMENTS + "/preview", SegmentMemberViewSet, {"post": "preview"}),
    route(SEGMENTS + "/overlap", SegmentViewSet, {"get": "overlap"}),
    route(SEGMENT, SegmentViewSet, {"get": "retrieve", "put": "update", "delete": "destroy"}),
    route(SEGMENT + "/members", SegmentViewSet, {"post": "change_members"}),
    route(SEGMENT + "/customers", SegmentMemberViewSet, {"get": "list"}),
    route(SEGMENT + "/count", SegmentMemberViewSet, {"get": "count"}),
    route(SEGMENT + "/export", SegmentExportViewSet, {"get": "export", "post": "create"}),
    route(SEGMENT + "/history", SegmentMemberViewSet, {"get": "history"}),
    route(SEGMENT + "/changes", SegmentMemberViewSet, {"get": "changes"}),
    route(
        "/workspaces/{workspaceId}/customers/{customerId}/segments",
        SegmentMemberViewSet,
        {"get": "of_customer"},
    ),
]
