"""The log of consents. Who may read it reaches all nodes, also those that are no more."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from configuration.api.scoping import WorkspaceScopedViewSet
from contacthub_project.api.pagination import LARGEST_MATCH, PageRules
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.schema import page_of
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import NotFound
from customers.api.filters import ConsentLogFilterSet
from customers.models import ConsentLogEntry
from customers.queries.documents import consent_log_moments, consent_log_response


class ConsentLogOutput(serializers.ModelSerializer):
    """One change of a consent, or one request about a person's data."""

    customerId = serializers.UUIDField(source="customer_id")
    sourceId = serializers.UUIDField(source="source_id", allow_null=True)
    userId = serializers.IntegerField(source="user_id", allow_null=True)

    class Meta:
        model = ConsentLogEntry
        fields = ["id", "customerId", "date", "type", "property", "value", "sourceId", "userId"]


class ConsentLogViewSet(WorkspaceScopedViewSet):
    """Entries of the consent log."""

    filterset_class = ConsentLogFilterSet
    page_rules = PageRules(default_size=20, largest_size=100, last_page=None)

    @extend_schema(responses={200: page_of(ConsentLogOutput, "lines of the log")})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """A page of entries, the latest first unless `sort` says otherwise."""
        filters = ConsentLogFilterSet(request.GET, workspace=self.workspace)
        page = self.requested_page(filters)
        everything = ConsentLogEntry.objects.in_workspace(self.workspace.id)
        entries = filters.filter_queryset(everything)
        return JsonResponse(
            page.of(
                [consent_log_entry_response(entry) for entry in page.slice(entries)],
                total=entries.count_up_to(LARGEST_MATCH),
            )
        )

    @extend_schema(responses={200: ConsentLogOutput})
    def retrieve(self, request: HttpRequest, workspace_id: str, id: str) -> JsonResponse:
        """One entry by its number; raises NotFound."""
        is_number = id.isascii() and id.isdigit() and len(id) < 19
        entries = ConsentLogEntry.objects.in_workspace(self.workspace.id)
        entry = entries.filter(id=int(id)).first() if is_number else None
        if entry is None:
            raise NotFound(f"consent log not found {id}")
        return JsonResponse(consent_log_entry_response(entry))

    def moments(self) -> Positions:
        """Where moments stand in an entry, or in a page of them."""
        is_list = self.action == "list"
        return {"elements": (consent_log_moments,)} if is_list else consent_log_moments


def consent_log_entry_response(entry: ConsentLogEntry) -> dict[str, Any]:
    """The entry as the API shows it."""
    return consent_log_response(entry) | {"customerId": entry.customer_id}
