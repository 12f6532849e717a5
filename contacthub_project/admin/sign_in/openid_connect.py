"""Sign-in by OpenID Connect (mozilla-django-oidc).

People are found by the e-mail address that the provider has verified. No person is created, and no
role is taken from the provider.
"""

from __future__ import annotations

import threading
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import structlog
from axes.handlers.proxy import AxesProxyHandler
from cachetools import TTLCache
from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.generic import View
from jwt import PyJWTError
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.utils import import_from_settings
from mozilla_django_oidc.views import (
    OIDCAuthenticationCallbackView,
    OIDCAuthenticationRequestView,
)

from configuration.models import User
from contacthub_project.admin.sign_in.flow import begin_session, record_reauthentication

log = structlog.get_logger("contacthub.sign_in")

ENDPOINTS = {
    "OIDC_OP_AUTHORIZATION_ENDPOINT": "authorization_endpoint",
    "OIDC_OP_TOKEN_ENDPOINT": "token_endpoint",
    "OIDC_OP_USER_ENDPOINT": "userinfo_endpoint",
    "OIDC_OP_JWKS_ENDPOINT": "jwks_uri",
}
OURS = {
    "OIDC_RP_CLIENT_ID": "OPENID_CONNECT_CLIENT_ID",
    "OIDC_RP_CLIENT_SECRET": "OPENID_CONNECT_CLIENT_SECRET",
}
DISCOVERY_SECONDS = 600
REAUTHENTICATES = (
    "again"  # in the state: the user who has to authenticate again, in an existing session
)
RECENT_SECONDS = 300  # greatest age of a sign-in at the provider, tolerating its clock
# Exceptions of the library when the provider is unreachable or violates the protocol.
FAILURES = (
    SuspiciousOperation, requests.RequestException, PyJWTError, ValueError, KeyError, TypeError,
    AttributeError,
)  # fmt: skip

_lock = threading.Lock()
_discovered: TTLCache[str, dict[str, Any]] = TTLCache(maxsize=4, ttl=DISCOVERY_SECONDS)


def discover() -> dict[str, Any]:
    """Return the provider's metadata; raises one of FAILURES."""
    issuer = settings.OPENID_CONNECT_ISSUER
    with _lock:
        known = _discovered.get(issuer)
    if known is None:
        address = issuer.rstrip("/") + "/.well-known/openid-configuration"
        answer = requests.get(address, timeout=settings.OIDC_TIMEOUT)
        answer.raise_for_status()
        known = answer.json()
        if known["issuer"] != issuer:
            raise SuspiciousOperation("The provider says that it is another")
        for endpoint in ENDPOINTS.values():
            if settings.HTTPS and not known[endpoint].startswith("https://"):
                raise SuspiciousOperation(f"{endpoint} is not served over HTTPS")
        with _lock:
            _discovered[issuer] = known
    return known


def get_settings(name: str, *default: Any) -> Any:
    """Return a setting of mozilla-django-oidc, from ours or from the metadata."""
    if name in ENDPOINTS:
        return discover()[ENDPOINTS[name]]
    return import_from_settings(OURS.get(name, name), *default)


class OpenIdBackend(OIDCAuthenticationBackend):  # type: ignore[misc]
    """Finds the person of a provider's response; None if there is none."""

    get_settings = staticmethod(get_settings)

    def __init__(self) -> None:
        if settings.OPENID_CONNECT_ISSUER:  # Django makes all backends at each sign-in
            self.UserModel = User

    def authenticate(self, request: HttpRequest | None, **kwargs: Any) -> User | None:
        if not settings.OPENID_CONNECT_ISSUER or request is None or "nonce" not in kwargs:
            return None
        super().__init__()
        found: User | None = super().authenticate(request, **kwargs)
        if found is None:
            return None
        # The lock-out for wrong passwords applies here, too.
        return found if AxesProxyHandler.is_allowed(request, {"username": found.username}) else None

    def verify_token(self, token: str, **kwargs: Any) -> dict[str, Any]:
        """Return the claims of an ID token, validated by OpenID Connect Core 3.1.3.7."""
        payload: dict[str, Any] = super().verify_token(token, **kwargs)
        client = settings.OPENID_CONNECT_CLIENT_ID
        audience = payload["aud"] if isinstance(payload["aud"], list) else [payload["aud"]]
        is_ours = client in audience and payload.get("azp", client) == client
        if payload["iss"] != settings.OPENID_CONNECT_ISSUER or not is_ours:
            raise SuspiciousOperation("The ID token is of another issuer, or for another client")
        if len(audience) > 1 and "azp" not in payload:
            raise SuspiciousOperation("The ID token is for several clients")
        if not payload["exp"] or not payload["nonce"]:
            raise SuspiciousOperation("The ID token has no end, or no nonce")
        self.request.signed_in_at_provider = payload.get("auth_time")
        return payload

    def get_userinfo(self, access_token: str, id_token: str, payload: Any) -> dict[str, Any]:
        claims: dict[str, Any] = super().get_userinfo(access_token, id_token, payload)
        if claims["sub"] != payload["sub"]:
            raise SuspiciousOperation("The provider tells of somebody else")
        return claims

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        return isinstance(claims.get("email"), str) and claims.get("email_verified") is True

    def filter_users_by_claims(self, claims: dict[str, Any]) -> list[User]:
        address = claims["email"]
        if not address or "\0" in address:
            return []
        alike = User.objects.filter(email__iexact=address)
        return [user for user in alike if _same_address(user.email, address)]


def _same_address(one: str, other: str) -> bool:
    """Return whether two addresses are equal, ignoring the case of ASCII letters.

    Other letters can become ASCII when their case changes, and are another address.
    """
    return one == other or (one.isascii() and other.isascii() and one.lower() == other.lower())


class BeginView(OIDCAuthenticationRequestView):  # type: ignore[misc]
    """Redirects to the provider, with state, nonce and PKCE."""

    get_settings = staticmethod(get_settings)
    again = False

    def __init__(self, **kwargs: Any) -> None:
        View.__init__(self, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if not settings.OPENID_CONNECT_ISSUER:
            raise Http404
        try:
            OIDCAuthenticationRequestView.__init__(self)
        except FAILURES as failure:
            return _failed(request, f"{type(failure).__name__}: {failure}", again=self.again)
        answer: HttpResponseBase = super().get(request)
        return answer


class BeginAgainView(LoginRequiredMixin, BeginView):
    """Redirects a signed-in user to the provider, to authenticate again."""

    again = True

    def get_extra_params(self, request: HttpRequest) -> dict[str, str]:
        return {"prompt": "login", "max_age": "0"}

    def get(self, request: HttpRequest) -> HttpResponseBase:
        answer = super().get(request)
        if isinstance(answer, HttpResponseRedirect):
            (state,) = parse_qs(urlsplit(answer.url).query)["state"]
            request.session["oidc_states"][state][REAUTHENTICATES] = str(request.user.pk)
            request.session.modified = True
        return answer


class CallbackView(OIDCAuthenticationCallbackView):  # type: ignore[misc]
    """The redirect URI; second factors are required next.

    A person who had to authenticate again continues their session.
    """

    get_settings = staticmethod(get_settings)
    user: User
    again: str | None = None

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if not settings.OPENID_CONNECT_ISSUER:
            raise Http404
        states = request.session.get("oidc_states", {})
        self.again = states.get(request.GET.get("state"), {}).get(REAUTHENTICATES)
        if "error" in request.GET:
            states.pop(request.GET.get("state"), None)
            request.session.modified = True
            return self._failed(f"The provider says {request.GET['error'][:100]!r}")
        try:
            answer: HttpResponseBase = super().get(request)
        except FAILURES as failure:
            return self._failed(f"{type(failure).__name__}: {failure}")
        return answer

    def login_success(self) -> HttpResponseBase:
        if self.again is not None:
            return self._has_reauthenticated()
        return begin_session(
            self.request,
            self.user,
            method="openid_connect",
            redirect_to=self.success_url,
            authenticated_at=self._signed_in_at,  # perhaps long ago
        )

    def _has_reauthenticated(self) -> HttpResponseBase:
        if not str(self.user.pk) == self.again == str(self.request.user.pk):
            return self._failed("Somebody else has signed in")
        # OpenID Connect Core 3.1.2.1: auth_time is present because of max_age. Without it the
        # provider may not have authenticated the person.
        at = self._signed_in_at
        if at is None or abs(time.time() - at) > RECENT_SECONDS:
            return self._failed(f"Nobody has signed in anew: auth_time {at}")
        record_reauthentication(self.request, self.user, method="openid_connect")
        return HttpResponseRedirect(self.success_url)

    @property
    def _signed_in_at(self) -> float | None:
        """Return when the person signed in at the provider; None when it does not report it."""
        moment = getattr(self.request, "signed_in_at_provider", None)
        return moment if type(moment) is int else None

    def _failed(self, cause: str) -> HttpResponse:
        return _failed(self.request, cause, again=self.again is not None)

    def login_failure(self) -> HttpResponseBase:
        return self._failed("Nobody, or not exactly one, has the verified address")


def _failed(request: HttpRequest, cause: str, *, again: bool = False) -> HttpResponse:
    """Return the page of a failed sign-in or reauthentication; the cause is in the log."""
    log.warning("sign_in_by_openid_connect_failed", cause=cause[:500])
    heading = (
        gettext("It is not clear that it is you") if again else gettext("You are not signed in")
    )
    context = {"again": again, "heading": heading}
    return render(request, "sign_in/openid_connect_failed.html", context, status=403)
