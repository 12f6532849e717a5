from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.api.serializers.users import Me
from configuration.queries.current_user import describe_current_user
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.views import ContactHubViewSet


class MeView(ContactHubViewSet):
    """The holder of the token."""

    @extend_schema(responses={200: Me})
    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(describe_current_user(self.caller))
