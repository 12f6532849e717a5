"""Sign-in by OpenID Connect: mozilla-django-oidc, with what it leaves to others.

Found are people who are there already, by the e-mail address that the provider has verified. Nobody
is made, and no role is taken from what the provider says.
"""

from __future__ import annotations

import threading
from typing import Any

import requests
import structlog
from axes.handlers.proxy import AxesProxyHandler
from cachetools import TTLCache
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.generic import View
from jwt import PyJWTError
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.utils import import_from_settings
from mozilla_django_oidc.views import (
    OIDCAuthenticationCallbackView,
    OIDCAuthenticationRequestView,
)

from configuration.models import User
from contacthub_project.admin.sign_in.flow import begin_session

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
# What a provider that is away, or answers what it must not, makes of the library.
FAILURES = (
    SuspiciousOperation, requests.RequestException, PyJWTError, ValueError, KeyError, TypeError,
    AttributeError,
)  # fmt: skip

_lock = threading.Lock()
_discovered: TTLCache[str, dict[str, Any]] = TTLCache(maxsize=4, ttl=DISCOVERY_SECONDS)


def discover() -> dict[str, Any]:
    """What the provider says of itself; raises one of FAILURES when it does not, or not rightly."""
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
    """A setting of mozilla-django-oidc, from ours or from what the provider says of itself."""
    if name in ENDPOINTS:
        return discover()[ENDPOINTS[name]]
    return import_from_settings(OURS.get(name, name), *default)


class OpenIdBackend(OIDCAuthenticationBackend):  # type: ignore[misc]
    """Whom an answer of the provider is about; None for nobody."""

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
        # Who has to wait for wrong passwords waits here, too.
        return found if AxesProxyHandler.is_allowed(request, {"username": found.username}) else None

    def verify_token(self, token: str, **kwargs: Any) -> dict[str, Any]:
        """What an ID token says, checked as OpenID Connect Core 3.1.3.7 asks."""
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
        return payload

    def get_userinfo(self, access_token: str, id_token: str, payload: Any) -> dict[str, Any]:
        told: dict[str, Any] = super().get_userinfo(access_token, id_token, payload)
        if told["sub"] != payload["sub"]:
            raise SuspiciousOperation("The provider tells of somebody else")
        return told

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        return isinstance(claims.get("email"), str) and claims.get("email_verified") is True

    def filter_users_by_claims(self, claims: dict[str, Any]) -> list[User]:
        address = claims["email"]
        if not address or "\0" in address:
            return []
        alike = User.objects.filter(email__iexact=address)
        return [user for user in alike if _same_address(user.email, address)]


def _same_address(one: str, other: str) -> bool:
    """Whether two addresses differ in the case of ASCII letters at most.

    Of other letters some become ASCII ones when their case changes, and are other addresses.
    """
    return one == other or (one.isascii() and other.isascii() and one.lower() == other.lower())


class BeginView(OIDCAuthenticationRequestView):  # type: ignore[misc]
    """Sends somebody to the provider, with state, nonce and PKCE."""

    get_settings = staticmethod(get_settings)

    def __init__(self, **kwargs: Any) -> None:
        View.__init__(self, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if not settings.OPENID_CONNECT_ISSUER:
            raise Http404
        try:
            OIDCAuthenticationRequestView.__init__(self)
        except FAILURES as failure:
            return _failed(request, f"{type(failure).__name__}: {failure}")
        answer: HttpResponseBase = super().get(request)
        return answer


class CallbackView(OIDCAuthenticationCallbackView):  # type: ignore[misc]
    """Where the provider sends somebody back to; second factors are asked for then."""

    get_settings = staticmethod(get_settings)
    user: User

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if not settings.OPENID_CONNECT_ISSUER:
            raise Http404
        if "error" in request.GET:
            request.session.get("oidc_states", {}).pop(request.GET.get("state"), None)
            request.session.modified = True
            return _failed(request, f"The provider says {request.GET['error'][:100]!r}")
        try:
            answer: HttpResponseBase = super().get(request)
        except FAILURES as failure:
            return _failed(request, f"{type(failure).__name__}: {failure}")
        return answer

    def login_success(self) -> HttpResponseBase:
        return begin_session(
            self.request, self.user, method="openid_connect", redirect_to=self.success_url
        )

    def login_failure(self) -> HttpResponseBase:
        return _failed(self.request, "Nobody, or not exactly one, has the verified address")


def _failed(request: HttpRequest, cause: str) -> HttpResponse:
    """The page for somebody who does not get in. Why is in the log, for operators."""
    log.warning("sign_in_by_openid_connect_failed", cause=cause[:500])
    return render(request, "sign_in/openid_connect_failed.html", status=403)
