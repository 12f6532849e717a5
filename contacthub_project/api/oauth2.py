"""OAuth2 for people: extends django-oauth-toolkit's views and validator."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.models import (
    get_access_token_model,
    get_grant_model,
    get_refresh_token_model,
)
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.views import IntrospectTokenView
from oauthlib.common import Request as OauthRequest
from oauthlib.oauth2 import AccessDeniedError, InvalidGrantError

# A client may refresh twice at once: within this time a second use of a refresh
# token is refused; after it a second use is taken for theft and ends all tokens of the grant.
CONCURRENT_USE = timedelta(seconds=10)


class TokenValidator(OAuth2Validator):
    """Accepts one of several concurrent uses of a refresh token; others get `invalid_grant`."""

    @transaction.atomic
    def validate_refresh_token(
        self, refresh_token: str, client: Any, request: OauthRequest, *args: Any, **kwargs: Any
    ) -> bool:
        checksum = hashlib.sha256(refresh_token.encode()).hexdigest()
        # Locked until validated: a concurrent use would make this one look like a reuse.
        known = get_refresh_token_model().objects.select_for_update()
        uses = known.filter(token_checksum=checksum).values_list("revoked", flat=True)
        # A use in the future was before the clock was put back, and is no concurrent one.
        if any(used and abs(timezone.now() - used) < CONCURRENT_USE for used in uses):
            return False
        is_valid = super().validate_refresh_token(refresh_token, client, request, *args, **kwargs)
        return bool(is_valid)

    def _save_bearer_token(
        self, token: dict[str, Any], request: OauthRequest, *args: Any, **kwargs: Any
    ) -> None:
        """Store a token, within a transaction.

        Raises InvalidGrantError for a second use, when the grant has ended, and for a person who
        must first set up the second factor that a workspace requires.
        """
        codes = get_grant_model().objects.filter(application=request.client)
        by_script = request.grant_type == "client_credentials"
        person = _locked_person(request.client.user_id if by_script else request.user.pk)
        if person is None or not person.is_active:
            raise InvalidGrantError(request=request)
        if (
            request.grant_type == "authorization_code"
            and not codes.filter(code=request.code).exists()
        ):
            raise InvalidGrantError(request=request)
        if not by_script and person.lacks_second_factor():
            raise InvalidGrantError(request=request)
        used = getattr(request, "refresh_token_instance", None)
        if used is not None:
            locked = get_refresh_token_model().objects.select_for_update()
            if not locked.filter(pk=used.pk, revoked=None).exists():
                raise InvalidGrantError(request=request)
        super()._save_bearer_token(token, request, *args, **kwargs)

    @transaction.atomic
    def _create_authorization_code(
        self, request: OauthRequest, code: dict[str, str], expires: Any = None
    ) -> Any:
        person = _locked_person(request.user.pk)
        session = request.user.get_session_auth_hash()
        if person is None or person.get_session_auth_hash() != session:
            raise AccessDeniedError(request=request)
        return super()._create_authorization_code(request, code, expires)


def _locked_person(person_id: Any) -> Any:
    """Lock the person, so that ending their tokens also ends those being made."""
    people = get_user_model()._default_manager.select_for_update(no_key=True)
    return people.filter(pk=person_id).first()


def json_answers(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Make all responses of an endpoint JSON.

    An error without a body gets the one of RFC 6749, 5.2.
    """

    @csrf_exempt
    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer = view(request, *args, **kwargs)
        answer.headers["Content-Type"] = "application/json"
        if isinstance(answer, HttpResponse) and answer.status_code >= 400 and not answer.content:
            error = "invalid_client" if answer.status_code in {401, 403} else "invalid_request"
            answer.content = json.dumps({"error": error}).encode()
        return answer

    return wrapped


class OwnTokensIntrospectView(IntrospectTokenView):
    """Token introspection (RFC 7662) for confidential clients, by POST only.

    A client sees tokens issued to it, and those of the person who registered it; other tokens are
    answered like unknown ones.
    """

    client: Any = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        is_served = request.method in {"POST", "OPTIONS"}
        serve = super().dispatch if is_served else self.http_method_not_allowed
        answer: HttpResponseBase = serve(request, *args, **kwargs)
        return answer

    def _allowed_methods(self) -> list[str]:
        return ["POST", "OPTIONS"]

    def authenticate_client(self, request: HttpRequest) -> bool:
        """Return whether the client is authenticated, and set `client` to it."""
        core = self.get_oauthlib_core()
        oauth_request = OauthRequest(*core._extract_params(request))
        is_known = bool(core.server.request_validator.authenticate_client(oauth_request))
        self.client = oauth_request.client if is_known else None
        return is_known

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        value = request.POST.get("token")
        if value is not None and not self._may_introspect(value):
            return JsonResponse({"active": False})
        answer: JsonResponse = self.get_token_response(value)
        return answer

    def _may_introspect(self, value: str) -> bool:
        checksum = hashlib.sha256(value.encode()).hexdigest()
        token = (
            get_access_token_model()
            .objects.select_related("user", "application__user")
            .filter(token_checksum=checksum)
            .first()
        )
        if token is None or self.client is None:
            return False
        person = token.user or token.application.user
        if person is None or not person.is_active:
            return False
        return bool(token.application_id == self.client.pk or person.pk == self.client.user_id)
