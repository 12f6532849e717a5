"""People of a workspace, and their permissions in its nodes."""

from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.actions.users import set_grants
from configuration.api.filters import UserFilterSet
from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.api.serializers.users import UserInput, UserOutput
from configuration.models import User
from contacthub_project.api import pagination
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.schema import page_of
from contacthub_project.core.errors import NotFound

LARGEST_ID = 18  # digits


class UserViewSet(WorkspaceScopedViewSet):
    """People who work in the workspace."""

    filterset_class = UserFilterSet
    page_rules = pagination.CONFIGURATION

    @extend_schema(
        responses={200: page_of(UserOutput, "people")},
    )
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        filters = UserFilterSet(request.GET)
        page = self.requested_page(filters)
        everybody = User.objects.in_workspace(self.workspace.id)
        found = filters.filter_queryset(everybody)
        listed = page.slice(found.with_grants_in(self.workspace.id))
        elements = UserOutput(listed, many=True).data
        return JsonResponse(page.of(elements, total=found.count(), unfiltered=everybody.count()))

    @extend_schema(responses={200: UserOutput})
    def retrieve(self, request: HttpRequest, workspace_id: str, id: str) -> JsonResponse:
        return JsonResponse(UserOutput(self.get_object(id)).data)

    @extend_schema(request=UserInput, responses={200: UserOutput})
    def update(self, request: HttpRequest, workspace_id: str, id: str) -> JsonResponse:
        user = self.get_object(id)
        nodes = UserInput.read(self.body(), current=UserOutput(user).data)["nodes"]
        grants = {grant["id"]: grant["permission"] for grant in nodes}
        set_grants(user, workspace_id=self.workspace.id, grants=grants)
        return JsonResponse(UserOutput(self.get_object(id)).data)

    def get_object(self, user_id: str) -> User:
        """Return a person of the workspace, with their grants there; raises NotFound."""
        everybody = User.objects.in_workspace(self.workspace.id)
        is_number = user_id.isascii() and user_id.isdigit() and len(user_id) <= LARGEST_ID
        found: User | None = (
            everybody.with_grants_in(self.workspace.id).filter(id=int(user_id)).first()
            if is_number
            else None
        )
        if found is None:
            raise NotFound(f"user not found {user_id}")
        return found
