from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.actions.users import set_grants
from configuration.api.scoping import WorkspaceView
from configuration.api.serializers.configuration import UserInput, UserOutput
from configuration.models import User
from contacthub_project.api import pagination
from contacthub_project.api.pagination import Page
from contacthub_project.api.parameters import text_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.schema import PAGE_PARAMETERS, page_of
from contacthub_project.core.errors import FieldError, Invalid, NotFound

LARGEST_ID = 18  # digits


class UsersView(WorkspaceView):
    """People who work in the workspace."""

    @extend_schema(
        parameters=[
            *PAGE_PARAMETERS,
            text_parameter("search", "Part of name, surname, user name or e-mail address."),
        ],
        responses={200: page_of(UserOutput, "people")},
    )
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        page = Page.asked_for(parameters, pagination.CONFIGURATION)
        search = parameters.text("search")
        parameters.raise_faults()
        everybody = User.objects.in_workspace(self.workspace.id)
        found = everybody.matching(search)
        listed = page.slice(found.with_grants_in(self.workspace.id))
        elements = UserOutput(listed, many=True).data
        return JsonResponse(page.of(elements, total=found.count(), unfiltered=everybody.count()))


class UserView(WorkspaceView):
    @extend_schema(responses={200: UserOutput})
    def get(self, request: HttpRequest, workspace_id: str, id: str) -> JsonResponse:
        return JsonResponse(UserOutput(self.user(id)).data)

    @extend_schema(request=UserInput, responses={200: UserOutput})
    def put(self, request: HttpRequest, workspace_id: str, id: str) -> JsonResponse:
        user = self.user(id)
        nodes = UserInput.read(self.body(), current=UserOutput(user).data)["nodes"]
        grants = {grant["id"]: grant["permission"] for grant in nodes}
        if len(grants) < len(nodes):
            raise Invalid(errors=[FieldError("/nodes", "names a node twice", "uniqueItems")])
        set_grants(user, workspace_id=self.workspace.id, grants=grants)
        return JsonResponse(UserOutput(self.user(id)).data)

    def user(self, user_id: str) -> User:
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
