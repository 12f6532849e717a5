"""Sources: applications with tokens."""

from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.actions import sources as actions
from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.api.serializers.sources import SourceInput, SourceOutput, SourceUpdate
from configuration.models import Source
from contacthub_project.api import pagination
from contacthub_project.api.query import get_or_not_found
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.api.request_headers import expected_version
from contacthub_project.api.schema import page_of


class SourceViewSet(WorkspaceScopedViewSet):
    """Sources of a workspace."""

    page_rules = pagination.CONFIGURATION

    @extend_schema(responses={200: page_of(SourceOutput, "sources")})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        page = self.requested_page()
        sources = Source.objects.in_workspace(self.workspace.id)
        elements = SourceOutput(page.slice(sources).prefetch_related("nodes"), many=True).data
        return JsonResponse(page.of(elements, total=sources.count()))

    @extend_schema(request=SourceInput, responses={201: SourceOutput})
    def create(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        source, token = actions.create_source(self.workspace.id, **SourceInput.read(self.body()))
        return _with_token(source, token, status=201)

    @extend_schema(responses={200: SourceOutput})
    def retrieve(self, request: HttpRequest, workspace_id: str, source_id: str) -> JsonResponse:
        source = self.get_object(source_id)
        return JsonResponse(SourceOutput(source).data, version=source.version)

    @extend_schema(request=SourceUpdate, responses={200: SourceOutput})
    def update(self, request: HttpRequest, workspace_id: str, source_id: str) -> JsonResponse:
        source = self.get_object(source_id)
        body = self.body()
        given = body.get("token")
        token = given if isinstance(given, str) and source.has_token(given) else None
        current = SourceOutput(source, context={"token": token}).data
        values = SourceUpdate.read(body, current=current)
        nodes = values.pop("nodes", None)
        source = actions.modify_source(
            source, values=values, nodes=nodes, expected_version=expected_version(request)
        )
        return JsonResponse(SourceOutput(source).data, version=source.version)

    @extend_schema(responses={204: None})
    def destroy(self, request: HttpRequest, workspace_id: str, source_id: str) -> NoContent:
        source = self.get_object(source_id)
        self.check_if_match(source.version)
        actions.delete_source(source)
        return NoContent()

    @extend_schema(request=None, responses={200: SourceOutput})
    def refresh_token(
        self, request: HttpRequest, workspace_id: str, source_id: str
    ) -> JsonResponse:
        source, token = actions.refresh_source_token(self.get_object(source_id))
        return _with_token(source, token)

    def get_object(self, source_id: str) -> Source:
        """Return a source of the workspace; raises NotFound."""
        sources = Source.objects.in_workspace(self.workspace.id)
        return get_or_not_found(sources, source_id, "source")


def _with_token(source: Source, token: str, status: int = 200) -> JsonResponse:
    data = SourceOutput(source, context={"token": token}).data
    return JsonResponse(data, status=status, version=source.version)
