from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from configuration.api.serializers.users import Me
from configuration.whoami import who_is
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.views import ApiView


class MeView(ApiView):
    """The holder of the token."""

    @extend_schema(responses={200: Me})
    def get(self, request: Request) -> JsonResponse:
        return JsonResponse(who_is(self.principal))
