"""The vocabulary shared by all workspaces.

Schemas, merge policies, providers, contexts, categories.
"""

from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.api.serializers.vocabulary import (
    BasePropertiesModel,
    EventCategory,
    EventContextModel,
    MergePolicy,
    Provider,
)
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
from contacthub_project.api.schema import RESOLVE_REFERENCES, elements_of
from contacthub_project.api.viewsets import ContactHubViewSet


class VocabularyViewSet(WorkspaceScopedViewSet):
    """The vocabulary shared by all workspaces; each action returns one list or schema."""

    @extend_schema(responses={200: BasePropertiesModel})
    def base_properties(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        base = BUILT_IN["$defs"]["base"]
        schema = resolved({**base, "$defs": BUILT_IN["$defs"]})
        return JsonResponse(BasePropertiesModel({"schema": schema}).data)

    @extend_schema(responses={200: elements_of(MergePolicy, "merge policies")})
    def merge_policies(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        elements = MergePolicy(list(MERGE_POLICIES.values()), many=True).data
        return JsonResponse({"elements": elements})

    @extend_schema(responses={200: elements_of(Provider, "providers")})
    def providers(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        providers = [
            {**entry, "propertiesSchema": properties_schema(entry["id"])}
            for entry in PROVIDERS.values()
        ]
        return JsonResponse({"elements": Provider(providers, many=True).data})

    @extend_schema(
        parameters=[RESOLVE_REFERENCES],
        responses={200: elements_of(EventContextModel, "contexts", name="EventContextList")},
    )
    def contexts(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        resolve = parameters.flag("resolveReferences", default=False)
        parameters.raise_faults()
        contexts = []
        for context, entry in CONTEXTS.items():
            schema = context_schema(context)
            contexts.append({**entry, "propertiesSchema": resolved(schema) if resolve else schema})
        return JsonResponse({"elements": EventContextModel(contexts, many=True).data})


class EventCategoryViewSet(ContactHubViewSet):
    """The categories of event types in analytics; public."""

    @extend_schema(responses={200: elements_of(EventCategory, "categories")})
    def list(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"elements": EventCategory(EVENT_CATEGORIES, many=True).data})
