"""Redirects people who lack a second factor, or have to authenticate again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext

from configuration.models import User, Workspace
from contacthub_project.admin.sign_in.flow import has_used_second_factor
from contacthub_project.admin.sign_in.reauthentication import redirect_to_reauthentication

NEXT_ADDRESS = "second_factor_go_on"  # session key: the requested address, for after the set-up
GUARDED = ("/admin", "/oauth2/authorize/")
FREE = frozenset({"/admin/login/", "/admin/logout/"})


class SecondFactorMiddleware:
    """Redirects people who lack a required second factor to its set-up or use.

    One query per page for signed-in people who have not used one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponseBase | None:
        if not request.path.startswith(GUARDED) or request.path in FREE:
            return None
        user = request.user
        if not isinstance(user, User) or has_used_second_factor(request):
            return None
        workspaces = Workspace.objects.demanding_second_factor_of(user.id, user.roles)
        demanding = workspaces.order_by("name").first()
        if demanding is None:
            return None
        address = request.get_full_path() if request.method == "GET" else reverse("admin:index")
        if user.has_second_factor():
            method = get_adapter().get_reauthentication_methods(user)[0]
            return HttpResponseRedirect(f"{method['url']}?{urlencode({'next': address})}")
        request.session[NEXT_ADDRESS] = address
        messages.warning(
            request,
            gettext(
                "{name} is open to people with a second factor only. Set one up to go on."
            ).format(name=demanding.name),
        )
        return HttpResponseRedirect(reverse("mfa_index"))


class ReauthenticationMiddleware:
    """Handles ReauthenticationRequired, of our pages and of allauth's.

    allauth's own response would store the request in the session as it came, with passwords.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        if not isinstance(exception, ReauthenticationRequired):
            return None
        return redirect_to_reauthentication(request, following=request.get_full_path())
