"""DRF's extension points of the base of view sets, as a view set of DRF has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.throttling import BaseThrottle

from contacthub_project.api.operations import contract, route
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.viewsets import ContactHubViewSet
from contacthub_project.core.errors import NotFound
from contacthub_project.core.principal import Principal

ADA = Principal(roles=frozenset({"ADMIN"}), workspaces=None, nodes=None, user_id=1)
WORKSPACES = "/workspaces"


class Header(BaseAuthentication):
    """Whoever sends `X-User: ada` is Ada."""

    def authenticate(self, request: HttpRequest) -> tuple[Principal, None] | None:
        return (ADA, None) if request.headers.get("X-User") == "ada" else None


class ViewSet(ContactHubViewSet):
    authentication_classes = (Header,)
    permission_classes = ()

    def list(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"user": self.caller.user_id, "action": self.action})

    def create(self, request: HttpRequest) -> JsonResponse:
        raise NotFound("nothing here")


def call(viewset: type[ContactHubViewSet], method: str = "GET", **headers: str) -> Any:
    url = route(WORKSPACES, viewset, {"get": "list", "post": "create"})
    request = RequestFactory().generic(method, "/hub/v1/workspaces", headers=headers)
    return url.callback(request)


def body(response: Any) -> Any:
    return json.loads(response.content)


def test_methods_are_mapped_to_actions() -> None:
    answer = call(ViewSet, **{"X-User": "ada"})
    assert (answer.status_code, body(answer)) == (200, {"user": 1, "action": "list"})
    assert call(ViewSet, "POST", **{"X-User": "ada"}).status_code == 404
    refused = call(ViewSet, "DELETE", **{"X-User": "ada"})
    assert refused.status_code == 405
    assert refused["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert call(ViewSet, "OPTIONS").status_code == 204
    assert call(ViewSet, "HEAD", **{"X-User": "ada"}).status_code == 200


def test_only_the_contract_is_routed() -> None:
    with pytest.raises(KeyError):
        route("/nowhere", ViewSet, {"get": "list"})
    with pytest.raises(KeyError):
        route(WORKSPACES, ViewSet, {"delete": "list"})
    actions = {"get": "list"}
    route(WORKSPACES, ViewSet, actions).callback(RequestFactory().get("/"))
    assert actions == {"get": "list"}  # DRF adds to its mapping, which is a copy
    assert route(WORKSPACES, ViewSet, actions).callback.initkwargs["operations"] == {
        "GET": contract()[WORKSPACES]["GET"]
    }


def test_authentication_classes_say_who_calls() -> None:
    class Second(Header):
        def authenticate(self, request: HttpRequest) -> tuple[Principal, None]:
            return Principal(frozenset(), None, None, user_id=2), None

    class Several(ViewSet):
        authentication_classes = (Header, Second)

    assert call(ViewSet).status_code == 401
    assert body(call(Several, **{"X-User": "ada"}))["user"] == 1
    assert body(call(Several))["user"] == 2


def test_permission_classes_are_called() -> None:
    class Never(BasePermission):
        message = "not today"

        def has_permission(self, request: Any, view: Any) -> bool:
            return False

    class Guarded(ViewSet):
        permission_classes = (Never,)

    answer = call(Guarded, **{"X-User": "ada"})
    assert (answer.status_code, body(answer)["message"]) == (403, "not today")
    assert body(answer).keys() == {"message", "logref", "data", "errors"}


def test_throttle_classes_are_called() -> None:
    class Full(BaseThrottle):
        def allow_request(self, request: Any, view: Any) -> bool:
            return False

        def wait(self) -> float:
            return 4.2

    class Throttled(ViewSet):
        throttle_classes = (Full,)

    answer = call(Throttled, **{"X-User": "ada"})
    assert (answer.status_code, answer["Retry-After"]) == (429, "5")


def test_hooks_are_called_in_the_order_of_drf() -> None:
    called: list[str] = []

    def noted(name: str, result: Any = None) -> Callable[..., Any]:
        return lambda *_, **__: called.append(name) or result

    class Permission(BasePermission):
        has_permission = noted("permission", True)

    class Throttle(BaseThrottle):
        allow_request = noted("throttle", True)

    class Noting(ViewSet):
        permission_classes: ClassVar[Any] = (Permission,)
        throttle_classes: ClassVar[Any] = (Throttle,)

        def initial(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
            called.append("initial")
            super().initial(request, *args, **kwargs)

        def perform_authentication(self, request: HttpRequest) -> None:
            called.append("authentication")
            super().perform_authentication(request)

        def create(self, request: HttpRequest) -> JsonResponse:
            called.append("action")
            return super().create(request)

        def get_exception_handler(self) -> Any:
            called.append("exception handler")
            return lambda failure, context: JsonResponse(
                {"failure": str(failure), "view": context["view"].action}, status=418
            )

        def finalize_response(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
            called.append("finalize")
            response = super().finalize_response(*args, **kwargs)
            response["X-Done"] = "yes"
            return response

    answer = call(Noting, "POST", **{"X-User": "ada"})
    assert called == [
        "initial", "authentication", "permission", "throttle", "action", "exception handler",
        "finalize",
    ]  # fmt: skip
    assert (answer.status_code, answer["X-Done"]) == (418, "yes")
    assert body(answer) == {"failure": "nothing here", "view": "create"}
