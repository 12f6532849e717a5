"""Members of segments: lists, counts, sizes by day, changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.domain.conditions import AllOf
from configuration.domain.consent_paths import CONSENT_PATHS
from contacthub_project.api.cursors import CursorPage
from contacthub_project.api.pagination import LARGEST_MATCH
from contacthub_project.api.parameters import (
    CURSOR,
    ENTITY_PAGE,
    choice_parameter,
    list_parameter,
    number_parameter,
    sort_parameter,
)
from contacthub_project.api.query import QueryParameters, id_or_unknown
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.core.date_format import Positions
from customers.api.search_parameters import requested_order, selected_fields
from customers.domain.projection import select_fields
from customers.domain.query_language import InSegment
from customers.queries.documents import customer_moments
from customers.queries.search import Search, search_customers
from segments.actions import segments as actions
from segments.api.schema import PAGE_OF_CHANGES, PAGE_OF_MEMBERS, PREVIEW
from segments.api.serializers import (
    PreviewInput,
    SegmentCountOutput,
    SegmentHistoryOutput,
    SegmentOfCustomerOutput,
    SegmentsOfCustomerOutput,
)
from segments.api.viewsets.segments import SegmentScopedViewSet
from segments.domain.changes import ChangeType
from segments.domain.contactable import contactable
from segments.domain.expansion import SegmentReference
from segments.models import MembershipChange, Segment
from segments.queries.counting import count_matches
from segments.queries.lag import lag_of
from segments.queries.membership import segments_of_customer, sizes_by_day

MOST_DAYS = 366
DEFAULT_DAYS = 30
EXAMPLES = 10
CONTACTABLE = choice_parameter(
    "contactable",
    sorted(CONSENT_PATHS),
    "Only customers who may be contacted by this consent now: it was given, and neither limited nor"
    " objected to.",
)


class SegmentMemberViewSet(SegmentScopedViewSet):
    """The members of a segment."""

    @extend_schema(
        parameters=[
            *ENTITY_PAGE,
            CURSOR,
            CONTACTABLE,
            list_parameter(
                "fields",
                "Only these properties, by their dotted paths, such as `base.contacts.email`; the"
                " `id` comes always.",
            ),
            sort_parameter(None, "updatedAt,desc"),
        ],
        responses={200: PAGE_OF_MEMBERS},
    )
    def list(self, request: HttpRequest, workspace_id: str, segment_id: str) -> JsonResponse:
        """A page of the customers in a segment, the latest changed first."""
        parameters = QueryParameters(request)
        fields = selected_fields(parameters, self.workspace)
        sort = requested_order(parameters, self.workspace)
        consent = requested_consent(parameters)
        order = [[key.field, key.descending] for key in sort]
        scope = ["segment", self.workspace.id, segment_id, consent, order]
        page = CursorPage.from_query(parameters, scope)
        parameters.raise_faults()
        segment = self.get_object(segment_id)
        node = self.node_of(segment)
        is_counted = page.page.number > 0 or consent is not None
        search = Search(
            None, _members(segment, consent), sort, page.page, page.after, is_counted=is_counted
        )
        lag = lag_of(self.workspace.id)
        found = search_customers(self.workspace, node, search)
        elements: Sequence[Mapping[str, Any]] = [self.serialized(row) for row in found.rows]
        if fields:
            elements = [select_fields(element, fields) for element in elements]
        total = segment.size if consent is None else found.total
        answer = page.of(elements, total=total, last=found.last)
        return JsonResponse({**answer, "lag": lag})

    @extend_schema(parameters=[CONTACTABLE], responses={200: SegmentCountOutput})
    def count(self, request: HttpRequest, workspace_id: str, segment_id: str) -> JsonResponse:
        """How many customers are in a segment."""
        parameters = QueryParameters(request)
        consent = requested_consent(parameters)
        parameters.raise_faults()
        segment = self.get_object(segment_id)
        count = segment.size
        if consent is not None:
            count = count_matches(self.workspace, self.node_of(segment), _members(segment, consent))
        return JsonResponse(
            {
                "segmentId": segment.id,
                "count": count,
                "state": segment.state,
                "lag": lag_of(self.workspace.id),
            }
        )

    @extend_schema(
        parameters=[
            number_parameter(
                "days", "So many days up to today.", least=1, most=MOST_DAYS, default=DEFAULT_DAYS
            )
        ],
        responses={200: SegmentHistoryOutput},
    )
    def history(self, request: HttpRequest, workspace_id: str, segment_id: str) -> JsonResponse:
        """The size of a segment day by day."""
        parameters = QueryParameters(request)
        days = parameters.whole_number("days", default=DEFAULT_DAYS, least=1, most=MOST_DAYS)
        parameters.raise_faults()
        segment = self.get_object(segment_id)
        today = datetime.now(UTC).astimezone(self.workspace.zone).date()
        found = sizes_by_day(segment, today - timedelta(days=days - 1), today)
        return JsonResponse(
            {"segmentId": segment.id, "timezone": self.workspace.timezone, "days": found}
        )

    @extend_schema(
        parameters=[*ENTITY_PAGE, CURSOR],
        responses={200: PAGE_OF_CHANGES},
    )
    def changes(self, request: HttpRequest, workspace_id: str, segment_id: str) -> JsonResponse:
        """The customers that entered and left a segment, the latest first."""
        parameters = QueryParameters(request)
        scope = ["segment-changes", self.workspace.id, segment_id]
        page = CursorPage.from_query(parameters, scope)
        parameters.raise_faults()
        segment = self.get_object(segment_id)
        of_segment = MembershipChange.objects.in_workspace(self.workspace.id)
        of_segment = of_segment.filter(segment_id=segment.id).order_by("-id")
        size, total = page.page.size, None
        if page.after is None:
            total, rows = of_segment.count_up_to(LARGEST_MATCH), [*page.page.slice(of_segment)]
        else:
            rows = [*of_segment.filter(id__lt=id_or_unknown(page.after[0] or ""))[:size]]
        last = [str(rows[-1].id)] if rows and len(rows) == size else None
        elements = [_change(row) for row in rows]
        answer = page.of(elements, total=total, last=last)
        return JsonResponse({**answer, "lag": lag_of(self.workspace.id)})

    @extend_schema(request=PreviewInput, responses={200: PREVIEW})
    def preview(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """The number of customers that match a query, and some of them."""
        values = PreviewInput.read(self.body())
        node = self.readable_node(values["node_id"])
        found = actions.preview(self.workspace, node, values["query"], size=EXAMPLES)
        return JsonResponse(
            {"count": found.count, "elements": [self.serialized(row) for row in found.rows]}
        )

    @extend_schema(responses={200: SegmentsOfCustomerOutput})
    def of_customer(
        self, request: HttpRequest, workspace_id: str, customer_id: str
    ) -> JsonResponse:
        """The segments that a customer is in right now."""
        row = self.readable_row(customer_id)
        node = self.readable_node(row.node_id)
        segments = segments_of_customer(self.workspace, node, UUID(row.id))
        elements = SegmentOfCustomerOutput(segments, many=True).data
        return JsonResponse({"customerId": row.id, "elements": elements})

    def moments(self) -> Positions:
        """The positions of timestamps in customers; changes hold date-time objects."""
        return {"elements": (customer_moments(self.workspace.customer_schema),)}


def requested_consent(parameters: QueryParameters) -> str | None:
    """Return the consent by which members must be contactable, None without the parameter."""
    return parameters.choice("contactable", sorted(CONSENT_PATHS), default=None)


def _members(segment: Segment, consent: str | None) -> Any:
    """Return the expression that is true for the members of a segment."""
    members = InSegment(SegmentReference(segment.id))
    return members if consent is None else AllOf((members, contactable(consent)))


def _change(change: MembershipChange) -> dict[str, Any]:
    return {
        "id": change.id,
        "customerId": change.customer_id,
        "type": ChangeType.of(has_entered=change.has_entered).value,
        "date": change.changed_at,
    }
