"""What every workspace has in common, and what a workspace's own registry adds."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.api.schema import (
    BASE_PROPERTIES_MODEL,
    CONTEXT_LIST,
    EVENT_CATEGORY_LIST,
    MERGE_POLICY_LIST,
    PROVIDER_LIST,
)
from configuration.api.scoping import WorkspaceView
from configuration.domain.customer_schema import BUILT_IN
from configuration.domain.source_properties import properties_schema
from configuration.domain.vocabulary import (
    CONTEXTS,
    EVENT_CATEGORIES,
    MERGE_POLICIES,
    PROVIDERS,
    context_schema,
    resolved,
)
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.schema import RESOLVE_REFERENCES
from contacthub_project.api.views import ContactHubViewSet


class BasePropertiesModelView(WorkspaceView):
    """The schema of the built-in properties of customers."""

    @extend_schema(responses={200: BASE_PROPERTIES_MODEL})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        base = BUILT_IN["$defs"]["base"]
        schema = resolved({**base, "$defs": BUILT_IN["$defs"]})
        return JsonResponse({"schema": schema})


class MergePoliciesView(WorkspaceView):
    @extend_schema(responses={200: MERGE_POLICY_LIST})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return JsonResponse({"elements": list(MERGE_POLICIES.values())})


class ProvidersView(WorkspaceView):
    @extend_schema(responses={200: PROVIDER_LIST})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        elements = [_provider(entry) for entry in PROVIDERS.values()]
        return JsonResponse({"elements": elements})


class ContextsView(WorkspaceView):
    @extend_schema(parameters=[RESOLVE_REFERENCES], responses={200: CONTEXT_LIST})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        resolve = parameters.flag("resolveReferences", default=False)
        parameters.raise_faults()
        elements = []
        for context, entry in CONTEXTS.items():
            schema = context_schema(context)
            elements.append({**entry, "propertiesSchema": resolved(schema) if resolve else schema})
        return JsonResponse({"elements": elements})


class EventCategoriesView(ContactHubViewSet):
    """How analytics groups the types of events; public."""

    @extend_schema(responses={200: EVENT_CATEGORY_LIST})
    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"elements": EVENT_CATEGORIES})


def _provider(entry: Any) -> dict[str, Any]:
    return {**entry, "propertiesSchema": properties_schema(entry["id"])}
