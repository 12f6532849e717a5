"""The register of data subject requests."""

from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from configuration.api.scoping import WorkspaceScopedViewSet
from contacthub_project.api import pagination
from contacthub_project.api.fields import IgnoredField, ImmutableField, StrictText, StrictUuid
from contacthub_project.api.pagination import LARGEST_MATCH
from contacthub_project.api.query import get_or_not_found
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.request_headers import expected_version
from contacthub_project.api.schema import page_of
from contacthub_project.api.serializers import StrictSerializer
from contacthub_project.core.date_format import Positions
from customers.actions.data_subject_requests import create_request, modify_request
from customers.api.filters.privacy import DataSubjectRequestFilterSet
from customers.models import DataSubjectRequest, RequestState, RequestType
from customers.models.data_subject_request import LONGEST_NOTE, LONGEST_SUBJECT

ENTERED = [each for each in RequestType.values if each != RequestType.RETURN]
MOMENTS = {"createdAt": True, "closedAt": True}


class DataSubjectRequestInput(StrictSerializer):
    """The body of a new request."""

    type = serializers.ChoiceField(ENTERED, help_text="What somebody wants.")
    receivedOn = serializers.DateField(
        source="received_on",
        required=False,
        help_text="Today, by the workspace's clock, unless given.",
    )
    dueOn = serializers.DateField(
        source="due_on", required=False, help_text="30 days after it was received, unless given."
    )
    customerId = StrictUuid(
        source="customer_id", required=False, allow_null=True, help_text="Whose data it is about."
    )
    subject = StrictText(
        max_length=LONGEST_SUBJECT,
        required=False,
        allow_blank=True,
        help_text="Who asks, as long as no customer is named.",
    )
    note = StrictText(
        max_length=LONGEST_NOTE,
        required=False,
        allow_blank=True,
        help_text="What else is to be known.",
    )


class DataSubjectRequestUpdate(DataSubjectRequestInput):
    """The body of a changed request; absent values stay."""

    id = ImmutableField(serializers.UUIDField())
    type = serializers.ChoiceField(
        RequestType.values, required=False, help_text="What somebody wants."
    )
    state = serializers.ChoiceField(RequestState.values, required=False, help_text="How far it is.")
    receiptId = IgnoredField(serializers.UUIDField(allow_null=True))
    createdAt = IgnoredField(serializers.DateTimeField())
    createdBy = IgnoredField(serializers.IntegerField(allow_null=True))
    closedAt = IgnoredField(serializers.DateTimeField(allow_null=True))
    closedBy = IgnoredField(serializers.IntegerField(allow_null=True))
    version = IgnoredField(serializers.IntegerField())


class DataSubjectRequestOutput(serializers.ModelSerializer):
    """A request of a person, and its result."""

    type = serializers.ChoiceField(RequestType.values)
    state = serializers.ChoiceField(RequestState.values)
    receivedOn = serializers.DateField(source="received_on")
    dueOn = serializers.DateField(source="due_on")
    customerId = serializers.UUIDField(source="customer_id", allow_null=True)
    receiptId = serializers.UUIDField(source="receipt_id", allow_null=True)
    createdAt = serializers.DateTimeField(source="created_at")
    createdBy = serializers.IntegerField(source="created_by", allow_null=True)
    closedAt = serializers.DateTimeField(source="closed_at", allow_null=True)
    closedBy = serializers.IntegerField(source="closed_by", allow_null=True)

    class Meta:
        model = DataSubjectRequest
        fields = [
            "id", "type", "state", "receivedOn", "dueOn", "customerId", "subject", "note",
            "receiptId", "createdAt", "createdBy", "closedAt", "closedBy", "version",
        ]  # fmt: skip


class DataSubjectRequestViewSet(WorkspaceScopedViewSet):
    """Requests of people; they are never deleted."""

    filterset_class = DataSubjectRequestFilterSet
    page_rules = pagination.CONFIGURATION

    @extend_schema(responses={200: page_of(DataSubjectRequestOutput, "requests")})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return a page of requests, the latest entered first unless `sort` is given."""
        filters = DataSubjectRequestFilterSet(request.GET, workspace=self.workspace)
        page = self.requested_page(filters)
        everything = DataSubjectRequest.objects.in_workspace(self.workspace.id)
        requests = filters.filter_queryset(everything)
        elements = DataSubjectRequestOutput(page.slice(requests), many=True).data
        return JsonResponse(page.of(elements, total=requests.count_up_to(LARGEST_MATCH)))

    @extend_schema(request=DataSubjectRequestInput, responses={201: DataSubjectRequestOutput})
    def create(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Create a request."""
        values = DataSubjectRequestInput.read(self.body())
        made = create_request(self.workspace, values, by=self.caller)
        answer = DataSubjectRequestOutput(made).data
        return JsonResponse(answer, status=201, version=made.version)

    @extend_schema(responses={200: DataSubjectRequestOutput})
    def retrieve(self, request: HttpRequest, workspace_id: str, request_id: str) -> JsonResponse:
        """Return one request; raises NotFound."""
        known = self._found(request_id)
        return JsonResponse(DataSubjectRequestOutput(known).data, version=known.version)

    @extend_schema(request=DataSubjectRequestUpdate, responses={200: DataSubjectRequestOutput})
    def update(self, request: HttpRequest, workspace_id: str, request_id: str) -> JsonResponse:
        """Change a request; absent values stay."""
        known = self._found(request_id)
        values = DataSubjectRequestUpdate.read(
            self.body(), current=DataSubjectRequestOutput(known).data
        )
        changed = modify_request(
            self.workspace, known.id, values, expected_version=expected_version(request),
            by=self.caller,
        )  # fmt: skip
        return JsonResponse(DataSubjectRequestOutput(changed).data, version=changed.version)

    def _found(self, request_id: str) -> DataSubjectRequest:
        requests = DataSubjectRequest.objects.in_workspace(self.workspace.id)
        return get_or_not_found(requests, request_id, "request")

    def moments(self) -> Positions:
        """Return the positions of timestamps in a request, or in a page of them."""
        return {"elements": (MOMENTS,)} if self.action == "list" else MOMENTS
