"""The stages of a sign-in, from the first factor to the session."""

from __future__ import annotations

from allauth.account.internal.flows.login import (
    get_authentication_records,
    perform_login,
    record_authentication,
)
from allauth.account.models import Login
from allauth.account.stages import LoginStage
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from configuration.models import User

AUTHENTICATED_AT = (
    "proved_at"  # key of a record: the time of authentication, if not that of the record
)


def begin_session(
    request: HttpRequest,
    user: User,
    *,
    method: str,
    redirect_to: str,
    authenticated_at: float | None = None,
) -> HttpResponseBase:
    """Sign in `user`, authenticated by `method`, or ask for the second factor.

    `authenticated_at` is when they authenticated, in Unix time; None means now.
    """
    # A sign-in counts as an authentication for sensitive operations.
    proof = {} if authenticated_at is None else {AUTHENTICATED_AT: authenticated_at}
    record_authentication(request, user, method, reauthenticated=True, **proof)
    login = Login(
        user=user, redirect_url=redirect_to, state={"access": user.get_session_auth_hash()}
    )
    response: HttpResponseBase = perform_login(request, login)
    return response


def record_reauthentication(request: HttpRequest, user: User, *, method: str) -> None:
    """Record in the session that the user has just authenticated again, by `method`."""
    record_authentication(request, user, method, reauthenticated=True)


def record_second_factor(request: HttpRequest, user: User) -> None:
    """Record in the session that a second factor has just been used."""
    record_authentication(request, user, "mfa")


def has_used_second_factor(request: HttpRequest) -> bool:
    """Return whether the session was begun, or confirmed, with a second factor."""
    records = get_authentication_records(request, request.user)  # type: ignore[arg-type]
    return any(record.get("method") == "mfa" for record in records)


class UnchangedAccessStage(LoginStage):  # type: ignore[misc]
    """The last stage: aborts sign-ins whose access has changed meanwhile."""

    key = "contacthub_unchanged_access"

    def handle(self) -> tuple[HttpResponseBase | None, bool]:
        user = self.login.user
        known = self.login.state.get("access")
        if isinstance(user, User) and user.is_active and user.get_session_auth_hash() == known:
            return None, True
        return HttpResponseRedirect(reverse("sign-in")), False
