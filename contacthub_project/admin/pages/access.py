"""The page of a person's sessions, tokens and API clients."""

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
    """List and end one's own; operators those of `?person=` too."""
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
    """Return the person whose access is shown, None if the visitor may not see it."""
    asked = visit.request.GET.get("person")
    if asked is None or asked == str(visit.user.pk):
        return visit.user
    return User.objects.filter(id=row_id(asked)).first() if visit.is_operator else None


def _goes_on(session: UserSession, person: User) -> bool:
    """Return whether a session is valid with the person's password and roles."""
    expected: str = person.get_session_auth_hash()
    return session.get_decoded().get(HASH_SESSION_KEY) == expected


def _end(person: User, form: Any) -> Ended | None:
    """End what the form names; None when the person has no such thing."""
    if form.get("act") == "session":
        session = as_uuid(form.get("id", ""))
        return ending_access.end_session(person, session) if session else None
    ending, row = ENDINGS.get(form.get("act", "")), row_id(form.get("id", ""))
    return ending(person, row) if ending is not None and row is not None else None
