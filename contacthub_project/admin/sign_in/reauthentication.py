"""Reauthentication before sensitive operations, when the last authentication is too old.

A form that was submitted too late is stored in the session, encrypted, and displayed for
confirmation after the reauthentication. Pages whose only form is sensitive require it before they
display the form.
"""

from __future__ import annotations

import functools
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext

from configuration.models import User
from configuration.models.user_session import SIGN_IN
from contacthub_project.admin.sign_in.flow import AUTHENTICATED_AT
from contacthub_project.db.encryption import KEPT_FORMS, decrypt, encrypt

ANY = "*"  # any value of `act`, or none
KEPT = "kept_form"  # the field that names a pending form, and their key in the session
KEPT_SECONDS = 900
MOST_KEPT = 3
LONGEST_KEPT = 64 * 1024  # characters of a urlencoded form
NOT_KEPT = frozenset({"csrfmiddlewaretoken", KEPT})


@dataclass(frozen=True)
class PendingForm:
    """A form that was submitted too late, and waits for confirmation."""

    address: str  # path and query
    what: str  # the text that the confirmation shows
    content: str  # urlencoded
    at: float

    @property
    def fields(self) -> QueryDict:
        return QueryDict(self.content)


def is_recently_authenticated(request: HttpRequest) -> bool:
    """Return whether the last authentication is younger than ACCOUNT_REAUTHENTICATION_TIMEOUT.

    For users with a second factor only one by that factor counts; for others the sign-in or a
    reauthentication.
    """
    user = request.user
    assert isinstance(user, User), "others have not signed in"
    records = get_authentication_records(request, user)
    if user.has_second_factor():
        proofs = [record["at"] for record in records if record["method"] == "mfa"]
    else:
        given = [record for record in records if record.get("reauthenticated")]
        proofs = [record.get(AUTHENTICATED_AT, record["at"]) for record in given]
        proofs = proofs or _signed_in_at(request)
    # abs(): after a clock was set back, an authentication from the future does not count.
    seconds = abs(time.time() - max(proofs, default=0))
    return bool(seconds < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def _signed_in_at(request: HttpRequest) -> list[float]:
    """Return the time of the sign-in as a list, empty if the session has none."""
    signed_in = request.session.get(SIGN_IN)
    return [datetime.fromisoformat(signed_in["at"]).timestamp()] if signed_in else []


def require_reauthentication(request: HttpRequest) -> None:
    """Raise ReauthenticationRequired unless the last authentication is recent.

    `ReauthenticationMiddleware` redirects to the reauthentication, and from there back to the
    request's path.
    """
    if not (isinstance(request.user, User) and is_recently_authenticated(request)):
        raise ReauthenticationRequired


def reauthentication_required(
    view: Callable[..., HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Make a view of a library require a recent authentication of signed-in users."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            require_reauthentication(request)
        return view(request, *args, **kwargs)

    return guarded


def redirect_to_reauthentication(request: HttpRequest, *, following: str) -> HttpResponseRedirect:
    """Redirect to the reauthentication, and from there to `following`."""
    methods = get_adapter().get_reauthentication_methods(request.user)
    address = methods[0]["url"] if methods else reverse("sign-in")
    return HttpResponseRedirect(f"{address}?{urlencode({'next': following})}")


def hold_form(
    request: HttpRequest, sensitive: Mapping[str, str | Promise]
) -> HttpResponseRedirect | None:
    """Return a redirect to the reauthentication if a form needs it, None if it may be processed.

    `sensitive` has the values of `act` that need it, or ANY, with a text for the confirmation. When
    a pending form is confirmed, it replaces `request.POST`.
    """
    if request.method != "POST" or not sensitive:
        return None
    if KEPT in request.POST:
        kept = pending_form(request, request.POST[KEPT])
        if kept is None or kept.address != request.get_full_path():
            messages.error(
                request, gettext("This is not kept any more. Nothing has been done; do it anew.")
            )
            return HttpResponseRedirect(request.get_full_path())
        discard_form(request, request.POST[KEPT])
        request.POST = kept.fields  # type: ignore[assignment]
    what = sensitive.get(request.POST.get("act", ""), sensitive.get(ANY))
    if what is None or is_recently_authenticated(request):
        return None
    return redirect_to_reauthentication(request, following=_keep(request, str(what)))


def pending_form(request: HttpRequest, name: str) -> PendingForm | None:
    """Return a form of the session, None if there is none of this name."""
    try:
        kept = PendingForm(**json.loads(_decrypted(request.session.get(KEPT, {})[name])))
    except (KeyError, InvalidToken):
        return None
    return kept if abs(time.time() - kept.at) < KEPT_SECONDS else None


def discard_form(request: HttpRequest, name: str) -> None:
    """Remove a pending form from the session."""
    request.session[KEPT] = {
        other: kept for other, kept in request.session.get(KEPT, {}).items() if other != name
    }


def _keep(request: HttpRequest, what: str) -> str:
    """Store the form of the request; return the URL of the page that confirms it."""
    fields = request.POST.copy()
    for name in NOT_KEPT:
        fields.pop(name, None)
    content = fields.urlencode()
    if request.FILES or len(content) > LONGEST_KEPT:
        messages.warning(
            request, gettext("What you have typed was too much to be kept. Do it anew.")
        )
        return request.get_full_path()
    kept = PendingForm(request.get_full_path(), what, content, time.time())
    name = secrets.token_urlsafe(12)
    others = list(request.session.get(KEPT, {}).items())[1 - MOST_KEPT :]
    encrypted = encrypt(json.dumps(asdict(kept)), purpose=KEPT_FORMS).decode()
    request.session[KEPT] = dict(others) | {name: encrypted}
    return f"{reverse('confirm-kept-form')}?{urlencode({'form': name})}"


def _decrypted(kept: str) -> str:
    return decrypt(kept.encode(), purpose=KEPT_FORMS)
