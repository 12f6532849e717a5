"""Segments: saved groups of customers."""

from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.queries.rules import NodeRules
from contacthub_project.api import pagination
from contacthub_project.api.filters import (
    ChoiceFilter,
    FilterSet,
    IdFilter,
    SortFilter,
    TextFilter,
)
from contacthub_project.api.parameters import UUID, list_parameter
from contacthub_project.api.query import QueryParameters, id_or_unknown
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.api.request_headers import expected_version
from contacthub_project.api.schema import page_of
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import NotFound
from customers.api.scoping import CustomerScopedViewSet
from segments.actions import segments as actions
from segments.actions.lists import ListRequest, change_list
from segments.api.serializers import (
    SegmentInput,
    SegmentMembersInput,
    SegmentMembersOutput,
    SegmentOutput,
    SegmentOverlapOutput,
    SegmentUpdate,
)
from segments.models import Segment, SegmentKind
from segments.models.segment import SegmentQuerySet
from segments.queries.lag import lag_of
from segments.queries.membership import overlap_of

MOMENTS = dict.fromkeys(("createdAt", "updatedAt"), True)
MOST_OVERLAPPING = 4


class SegmentFilterSet(FilterSet):
    """Filters and order of the segments of a workspace."""

    nodeId = IdFilter("node_id", help_text="Segments of this node.")
    type = ChoiceFilter("kind", choices=SegmentKind.values, help_text="Segments of this kind.")
    name = TextFilter(
        "name", lookup_expr="icontains", help_text="Segments with this in their names, in any case."
    )
    tag = TextFilter(method="filter_tag", help_text="Segments with this tag.")
    sort = SortFilter(
        {"name": "name", "size": "size", "createdAt": "created_at", "updatedAt": "updated_at"},
        default="name,asc",
    )

    def filter_tag(self, rows: SegmentQuerySet, name: str, value: str) -> SegmentQuerySet:
        """Return segments with the tag."""
        return rows.filter(tags__contains=[value])


class SegmentScopedViewSet(CustomerScopedViewSet):
    """Finds a segment of a node that the caller may read."""

    def get_queryset(self) -> SegmentQuerySet:
        """The segments of nodes that the caller may read."""
        segments: SegmentQuerySet = Segment.objects.present(self.workspace.id)
        return segments.readable_by(self.caller)

    def get_object(self, segment_id: str) -> Segment:
        """A segment of the workspace that the caller may read; raises NotFound."""
        segment: Segment | None = self.get_queryset().filter(id=id_or_unknown(segment_id)).first()
        if segment is None:
            raise NotFound(f"segment not found {segment_id}")
        return segment

    def get_writable(self, segment_id: str) -> Segment:
        """A segment of a node that the caller may write in; raises NotFound, Forbidden."""
        segment = self.get_object(segment_id)
        self.writable_node(segment.node_id)
        return segment

    def node_of(self, segment: Segment) -> NodeRules:
        """The rules of a segment's node."""
        return self.readable_node(segment.node_id)


class SegmentViewSet(SegmentScopedViewSet):
    """Segments of a workspace. A caller of some nodes only sees those of its nodes."""

    page_rules = pagination.CONFIGURATION
    filterset_class = SegmentFilterSet

    @extend_schema(responses={200: page_of(SegmentOutput, "segments")})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """A page of segments, by name unless `sort` says otherwise."""
        filters = SegmentFilterSet(request.GET)
        page = self.requested_page(filters)
        everything = self.get_queryset()
        segments = filters.filter_queryset(everything)
        elements = SegmentOutput(page.slice(segments), many=True).data
        return JsonResponse(
            page.of(elements, total=segments.count(), unfiltered=everything.count())
        )

    @extend_schema(request=SegmentInput, responses={201: SegmentOutput})
    def create(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Create a segment; its members are evaluated in the background."""
        values = SegmentInput.read(self.body())
        node = self.writable_node(values.pop("node_id"))
        kind = SegmentKind(values.pop("kind"))
        segment = actions.create_segment(self.workspace, node, values, kind=kind, by=self.caller)
        return _answer(segment, status=201)

    @extend_schema(responses={200: SegmentOutput})
    def retrieve(self, request: HttpRequest, workspace_id: str, segment_id: str) -> JsonResponse:
        """A segment."""
        return _answer(self.get_object(segment_id))

    @extend_schema(request=SegmentUpdate, responses={200: SegmentOutput})
    def update(self, request: HttpRequest, workspace_id: str, segment_id: str) -> JsonResponse:
        """Change a segment; absent values stay."""
        segment = self.get_writable(segment_id)
        values = SegmentUpdate.read(self.body(), current=SegmentOutput(segment).data)
        segment = actions.modify_segment(
            self.workspace, segment.id, values, expected_version=expected_version(request)
        )
        return _answer(segment)

    @extend_schema(responses={204: None})
    def destroy(self, request: HttpRequest, workspace_id: str, segment_id: str) -> NoContent:
        """Delete a segment."""
        segment = self.get_writable(segment_id)
        self.check_if_match(segment.version)
        actions.delete_segment(self.workspace, segment.id)
        return NoContent()

    @extend_schema(request=SegmentMembersInput, responses={200: SegmentMembersOutput})
    def change_members(
        self, request: HttpRequest, workspace_id: str, segment_id: str
    ) -> JsonResponse:
        """Add customers to a static segment's list, and remove others."""
        segment = self.get_writable(segment_id)
        values = SegmentMembersInput.read(self.body())
        changed = change_list(self.workspace, segment.id, ListRequest(**values))
        return JsonResponse(SegmentMembersOutput(changed).data)

    @extend_schema(
        parameters=[list_parameter("segmentIds", "Two to four segments of one node.", UUID)],
        responses={200: SegmentOverlapOutput},
    )
    def overlap(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """The number of customers for each combination of some segments."""
        parameters = QueryParameters(request)
        given = parameters.listed("segmentIds", most=MOST_OVERLAPPING)
        ids = list(dict.fromkeys(map(id_or_unknown, given)))
        if len(ids) < 2:
            parameters.fault("segmentIds", "must name two to four segments")
        parameters.raise_faults()
        for segment_id in ids:
            self.get_object(str(segment_id))
        elements = overlap_of(self.workspace.id, ids)
        return JsonResponse({"elements": elements, "lag": lag_of(self.workspace.id)})

    def moments(self) -> Positions:
        """The positions of timestamps in a segment, and in a page."""
        return {**MOMENTS, "elements": (MOMENTS,)}


def _answer(segment: Segment, status: int = 200) -> JsonResponse:
    return JsonResponse(SegmentOutput(segment).data, status=status, version=segment.version)
