"""The current user."""

from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.api.serializers.me import Me
from configuration.queries.current_user import describe_current_user
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.viewsets import ContactHubViewSet


class MeViewSet(ContactHubViewSet):
    """The holder of the token."""

    @extend_schema(responses={200: Me})
    def retrieve(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(Me(describe_current_user(self.caller)).data)
