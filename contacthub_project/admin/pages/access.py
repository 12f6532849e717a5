"""Sessions, tokens and API clients of a person, to be looked at and ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import HASH_SESSION_KEY
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from oauth2_provider.models import get_application_model

from configuration.actions import ending_access
from configuration.actions.ending_access import Ended
from configuration.models import User, UserSession
from configuration.models.user_session import SIGN_IN
from configuration.queries.access import access_tokens, refresh_tokens
from contacthub_project.admin.audit import record_action
from contacthub_project.admin.form_fields import row_id
from contacthub_project.admin.site import StaffContext, page_of_all
from contacthub_project.core.identifiers import as_uuid

MOST = 50
COLUMNS = {
    "sessions": ("Since", "From", "Browser"),
    "tokens": ("Kind", "For", "Since", "Until"),
    "clients": ("Name", "Client id", "Since"),
}
ENDINGS: dict[str, Callable[[User, int], Ended | None]] = {
    "access-token": ending_access.end_access_token,
    "refresh-token": ending_access.end_refresh_token,
    "client": ending_access.delete_client,
}


@page_of_all("access/", "access")
def access(visit: StaffContext) -> HttpResponseBase:
    """One's own; `?person=` somebody else's, for operators."""
    person = _person(visit)
    if person is None:
        return visit.show(
            "refused",
            "There is no such person",
            status=404,
            message="There is no such person, or you may not see how they get in.",
            advice="Your own sessions and tokens are under Sessions and tokens.",
        )
    if visit.request.method == "POST":
        ended = _end(person, visit.request.POST)
        if ended is None:
            messages.error(visit.request, "That is there no more.")
        else:
            record_action(visit.user, visit.last_workspace, ended.kind, ended.name)
            messages.success(visit.request, f"{ended.kind}.")
        query = f"?person={person.pk}" if person != visit.user else ""
        return HttpResponseRedirect(reverse("office:access") + query)
    sessions = UserSession.objects.of_person(person.pk).order_by("-signed_in_at")[:MOST]
    clients = get_application_model().objects.filter(user=person).order_by("-id")
    return visit.show(
        "access",
        "Sessions and tokens" if person == visit.user else f"Sessions and tokens of {person}",
        columns=COLUMNS,
        sessions=[each for each in sessions if _goes_on(each, person)],
        this_session=visit.request.session.get(SIGN_IN, {}).get("id"),
        refresh_tokens=refresh_tokens(person).order_by("-id")[:MOST],
        access_tokens=access_tokens(person).order_by("-id")[:MOST],
        clients=clients[:MOST],
    )


def _person(visit: StaffContext) -> User | None:
    """Whose access is meant, None for somebody whom the visitor may not see."""
    asked = visit.request.GET.get("person")
    if asked is None or asked == str(visit.user.pk):
        return visit.user
    return User.objects.filter(id=row_id(asked)).first() if visit.is_operator else None


def _goes_on(session: UserSession, person: User) -> bool:
    """Whether a session has not ended with a password or roles of before."""
    expected: str = person.get_session_auth_hash()
    return session.get_decoded().get(HASH_SESSION_KEY) == expected


def _end(person: User, form: Any) -> Ended | None:
    """End what a form names; None when it is nothing of the person's."""
    if form.get("act") == "session":
        session = as_uuid(form.get("id", ""))
        return ending_access.end_session(person, session) if session else None
    ending, row = ENDINGS.get(form.get("act", "")), row_id(form.get("id", ""))
    return ending(person, row) if ending is not None and row is not None else None
