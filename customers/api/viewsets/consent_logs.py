"""The consent log. Its readers have access to all nodes, deleted ones included."""

from __future__ import annotations

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from configuration.api.scoping import WorkspaceScopedViewSet
from contacthub_project.api.components import reference_to
from contacthub_project.api.pagination import LARGEST_MATCH, PageRules
from contacthub_project.api.parameters import choice_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.schema import page_of
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import NotFound
from customers.api.filters.consent_log import ConsentLogFilterSet
from customers.api.schema import CONSENT_LOG_LINES
from customers.models import ConsentLogEntry
from customers.queries.consent_log_files import FORMATS, consent_log_file, named_entries
from customers.queries.documents import consent_log_moments


class ConsentLogOutput(serializers.ModelSerializer):
    """One change of a consent, or one request about a person's data."""

    customerId = serializers.UUIDField(source="customer_id")
    sourceId = serializers.UUIDField(source="source_id", allow_null=True)
    sourceName = serializers.CharField(allow_null=True)
    userId = serializers.IntegerField(source="user_id", allow_null=True)
    userName = serializers.CharField(allow_null=True)

    class Meta:
        model = ConsentLogEntry
        fields = [
            "id", "customerId", "date", "type", "property", "value", "sourceId", "sourceName",
            "userId", "userName",
        ]  # fmt: skip


class ConsentLogViewSet(WorkspaceScopedViewSet):
    """Entries of the consent log."""

    filterset_class = ConsentLogFilterSet
    page_rules = PageRules(default_size=20, largest_size=100, last_page=None)

    @extend_schema(responses={200: page_of(ConsentLogOutput, "lines of the log")})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return a page of entries, the latest first unless `sort` is given."""
        filters = ConsentLogFilterSet(request.GET, workspace=self.workspace)
        page = self.requested_page(filters)
        everything = ConsentLogEntry.objects.in_workspace(self.workspace.id)
        entries = filters.filter_queryset(everything)
        elements = named_entries(self.workspace.id, page.slice(entries))
        return JsonResponse(page.of(elements, total=entries.count_up_to(LARGEST_MATCH)))

    @extend_schema(
        parameters=[
            *ConsentLogFilterSet.parameters(),
            choice_parameter("format", FORMATS, "The kind of file.", default="csv"),
        ],
        responses={
            (200, "text/csv"): reference_to("CsvFile"),
            (200, "application/x-ndjson"): CONSENT_LOG_LINES,
        },
    )
    def export(self, request: HttpRequest, workspace_id: str) -> HttpResponseBase:
        """Return all matching entries, streamed as CSV or JSON lines."""
        filters = ConsentLogFilterSet(request.GET, workspace=self.workspace)
        parameters = QueryParameters(request)
        file_format = parameters.choice("format", [*FORMATS], default="csv")
        parameters.faults += filters.faults
        parameters.raise_faults()
        everything = ConsentLogEntry.objects.in_workspace(self.workspace.id)
        entries = filters.filter_queryset(everything)
        return StreamingHttpResponse(
            consent_log_file(self.workspace.id, entries, file_format, self.date_format),
            content_type=FORMATS[file_format],
            headers={"Content-Disposition": f'attachment; filename="consent-log.{file_format}"'},
        )

    @extend_schema(responses={200: ConsentLogOutput})
    def retrieve(self, request: HttpRequest, workspace_id: str, id: str) -> JsonResponse:
        """Return one entry by its number; raises NotFound."""
        is_number = id.isascii() and id.isdigit() and len(id) < 19
        entries = ConsentLogEntry.objects.in_workspace(self.workspace.id)
        entry = entries.filter(id=int(id)).first() if is_number else None
        if entry is None:
            raise NotFound(f"consent log not found {id}")
        (answer,) = named_entries(self.workspace.id, [entry])
        return JsonResponse(answer)

    def moments(self) -> Positions:
        """Return the positions of timestamps in an entry, or in a page of them."""
        is_list = self.action == "list"
        return {"elements": (consent_log_moments,)} if is_list else consent_log_moments
