from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.actions import sources as actions
from configuration.api.scoping import WorkspaceView
from configuration.api.serializers.sources import SourceInput, SourceOutput, SourceUpdate
from configuration.models import Source
from contacthub_project.api import pagination
from contacthub_project.api.pagination import Page
from contacthub_project.api.query import QueryParameters, id_or_unknown
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.api.schema import PAGE_PARAMETERS, page_of
from contacthub_project.api.views import expected_version
from contacthub_project.core.errors import NotFound


class SourcesView(WorkspaceView):
    """Sources of a workspace."""

    @extend_schema(parameters=PAGE_PARAMETERS, responses={200: page_of(SourceOutput, "sources")})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        page = Page.asked_for(parameters, pagination.CONFIGURATION)
        parameters.raise_faults()
        sources = Source.objects.in_workspace(self.workspace.id)
        elements = SourceOutput(page.slice(sources).prefetch_related("nodes"), many=True).data
        return JsonResponse(page.of(elements, total=sources.count()))

    @extend_schema(request=SourceInput, responses={201: SourceOutput})
    def post(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        source, token = actions.create_source(self.workspace.id, **SourceInput.read(self.body()))
        return _with_token(source, token, status=201)


class SourceView(WorkspaceView):
    @extend_schema(responses={200: SourceOutput})
    def get(self, request: HttpRequest, workspace_id: str, source_id: str) -> JsonResponse:
        source = self.source(source_id)
        return JsonResponse(SourceOutput(source).data, version=source.version)

    @extend_schema(request=SourceUpdate, responses={200: SourceOutput})
    def put(self, request: HttpRequest, workspace_id: str, source_id: str) -> JsonResponse:
        source = self.source(source_id)
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
    def delete(self, request: HttpRequest, workspace_id: str, source_id: str) -> NoContent:
        source = self.source(source_id)
        self.check_if_match(source.version)
        actions.delete_source(source)
        return NoContent()

    def source(self, source_id: str) -> Source:
        sources = Source.objects.in_workspace(self.workspace.id)
        source = sources.filter(id=id_or_unknown(source_id)).first()
        if source is None:
            raise NotFound(f"source not found {source_id}")
        return source


class RefreshSourceTokenView(SourceView):
    http_method_names = ["post", "options"]

    @extend_schema(request=None, responses={200: SourceOutput})
    def post(self, request: HttpRequest, workspace_id: str, source_id: str) -> JsonResponse:
        source, token = actions.refresh_source_token(self.source(source_id))
        return _with_token(source, token)


def _with_token(source: Source, token: str, status: int = 200) -> JsonResponse:
    data = SourceOutput(source, context={"token": token}).data
    return JsonResponse(data, status=status, version=source.version)
