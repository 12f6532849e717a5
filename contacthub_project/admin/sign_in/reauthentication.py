"""Asking again who somebody is, before sensitive operations, when the last proof is too old.

What was typed meanwhile is not lost: the form is kept in the session, encrypted, and shown again to
be confirmed. Pages that are nothing but sensitive ask before they show their form.
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
from django.utils.http import urlencode

from configuration.models import User
from configuration.models.user_session import SIGN_IN
from contacthub_project.admin.sign_in.flow import PROVED_AT
from contacthub_project.db.encryption import KEPT_FORMS, decrypt, encrypt

ANY = "*"  # whatever `act` a form has, or none
KEPT = "kept_form"  # the field by which a form that was kept is sent, and where the session has it
KEPT_SECONDS = 900
MOST_KEPT = 3
LONGEST_KEPT = 64 * 1024  # characters of a form, as it came
NOT_KEPT = frozenset({"csrfmiddlewaretoken", KEPT})


@dataclass(frozen=True)
class KeptForm:
    """A form that was sent when the last proof was too old, until its sender has confirmed it."""

    address: str  # with its query
    what: str  # what it does, for people
    content: str  # urlencoded
    at: float

    @property
    def fields(self) -> QueryDict:
        return QueryDict(self.content)


def has_proved_lately(request: HttpRequest) -> bool:
    """Whether the person has shown within ACCOUNT_REAUTHENTICATION_TIMEOUT who they are.

    Who has a second factor has shown it by that. Others by signing in, or when asked again.
    """
    user = request.user
    assert isinstance(user, User), "others have not signed in"
    records = get_authentication_records(request, user)
    if user.has_second_factor():
        proofs = [record["at"] for record in records if record["method"] == "mfa"]
    else:
        given = [record for record in records if record.get("reauthenticated")]
        proofs = [record.get(PROVED_AT, record["at"]) for record in given]
        proofs = proofs or _signed_in_at(request)
    # Not the difference as it is: a proof from the future, after a clock was set back, is none.
    seconds = abs(time.time() - max(proofs, default=0))
    return bool(seconds < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def _signed_in_at(request: HttpRequest) -> list[float]:
    """When the session began, if it knows."""
    signed_in = request.session.get(SIGN_IN)
    return [datetime.fromisoformat(signed_in["at"]).timestamp()] if signed_in else []


def require_proof(request: HttpRequest) -> None:
    """Raise ReauthenticationRequired unless the person has shown lately who they are.

    `ProofDemanded` leads them to where they do, and back to the address of the request.
    """
    if not (isinstance(request.user, User) and has_proved_lately(request)):
        raise ReauthenticationRequired


def proof_required(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Have a view of others require proof of whoever is signed in."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            require_proof(request)
        return view(request, *args, **kwargs)

    return guarded


def ask_for_proof(request: HttpRequest, *, following: str) -> HttpResponseRedirect:
    """To where the person shows who they are, and from there to `following`."""
    methods = get_adapter().get_reauthentication_methods(request.user)
    address = methods[0]["url"] if methods else reverse("sign-in")
    return HttpResponseRedirect(f"{address}?{urlencode({'next': following})}")


def hold_back(request: HttpRequest, sensitive: Mapping[str, str]) -> HttpResponseRedirect | None:
    """What is answered to a form instead of doing what it asks for; None when it may be done.

    `sensitive` has the values of `act` that are, or ANY, with what they do, for people. A form
    that was kept and is confirmed now takes the place of the one that confirms it.
    """
    if request.method != "POST" or not sensitive:
        return None
    if KEPT in request.POST:
        kept = kept_form(request, request.POST[KEPT])
        if kept is None or kept.address != request.get_full_path():
            messages.error(request, "This is not kept any more. Nothing has been done; do it anew.")
            return HttpResponseRedirect(request.get_full_path())
        forget_form(request, request.POST[KEPT])
        request.POST = kept.fields  # type: ignore[assignment]
    what = sensitive.get(request.POST.get("act", ""), sensitive.get(ANY))
    if what is None or has_proved_lately(request):
        return None
    return ask_for_proof(request, following=_keep(request, what))


def kept_form(request: HttpRequest, name: str) -> KeptForm | None:
    """A form that is kept in the session; None when there is none of this name any more."""
    try:
        kept = KeptForm(**json.loads(_decrypted(request.session.get(KEPT, {})[name])))
    except (KeyError, InvalidToken):
        return None
    return kept if abs(time.time() - kept.at) < KEPT_SECONDS else None


def forget_form(request: HttpRequest, name: str) -> None:
    """Keep a form no longer."""
    request.session[KEPT] = {
        other: kept for other, kept in request.session.get(KEPT, {}).items() if other != name
    }


def _keep(request: HttpRequest, what: str) -> str:
    """Keep the form of the request; the address where it is confirmed."""
    fields = request.POST.copy()
    for name in NOT_KEPT:
        fields.pop(name, None)
    content = fields.urlencode()
    if request.FILES or len(content) > LONGEST_KEPT:
        messages.warning(request, "What you have typed was too much to be kept. Do it anew.")
        return request.get_full_path()
    kept = KeptForm(request.get_full_path(), what, content, time.time())
    name = secrets.token_urlsafe(12)
    others = list(request.session.get(KEPT, {}).items())[1 - MOST_KEPT :]
    encrypted = encrypt(json.dumps(asdict(kept)), purpose=KEPT_FORMS).decode()
    request.session[KEPT] = dict(others) | {name: encrypted}
    return f"{reverse('confirm-kept-form')}?{urlencode({'form': name})}"


def _decrypted(kept: str) -> str:
    return decrypt(kept.encode(), purpose=KEPT_FORMS)
