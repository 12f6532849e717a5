"""The page of a person's sessions, tokens and API clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import HASH_SESSION_KEY
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext
from oauth2_provider.models import get_application_model

from configuration.actions import ending_access
from configuration.actions.ending_access import Ended
from configuration.models import User, UserSession
from configuration.models.user_session import SIGN_IN
from configuration.queries.access import access_tokens, refresh_tokens
from contacthub_project.admin.audit import record_action
from contacthub_project.admin.context import StaffContext
from contacthub_project.admin.form_fields import row_id
from contacthub_project.admin.site import page_of_all
from contacthub_project.core.identifiers import as_uuid

MOST = 50
ENDINGS: dict[str, Callable[[User, int], Ended | None]] = {
    "access-token": ending_access.end_access_token,
    "refresh-token": ending_access.end_refresh_token,
    "client": ending_access.delete_client,
}


@page_of_all("access/", "access")
def access(staff: StaffContext) -> HttpResponseBase:
    """List and end one's own; operators those of `?person=` too."""
    person = _person(staff)
    if person is None:
        return staff.show(
            "refused",
            gettext("There is no such person"),
            status=404,
            message=gettext("There is no such person, or you may not see how they get in."),
            advice=gettext("Your own sessions and tokens are under Sessions and tokens."),
        )
    if staff.request.method == "POST":
        ended = _end(person, staff.request.POST)
        if ended is None:
            messages.error(staff.request, gettext("That is there no more."))
        else:
            record_action(staff.user, staff.last_workspace, ended.kind, ended.name)
            messages.success(staff.request, f"{gettext(ended.kind)}.")
        query = f"?person={person.pk}" if person != staff.user else ""
        return HttpResponseRedirect(reverse("office:access") + query)
    sessions = UserSession.objects.of_person(person.pk).order_by("-signed_in_at")[:MOST]
    clients = get_application_model().objects.filter(user=person).order_by("-id")
    return staff.show(
        "access",
        gettext("Sessions and tokens")
        if person == staff.user
        else gettext("Sessions and tokens of {person}").format(person=person),
        sessions=[each for each in sessions if _is_current(each, person)],
        this_session=staff.request.session.get(SIGN_IN, {}).get("id"),
        refresh_tokens=refresh_tokens(person).order_by("-id")[:MOST],
        access_tokens=access_tokens(person).order_by("-id")[:MOST],
        clients=clients[:MOST],
    )


def _person(staff: StaffContext) -> User | None:
    """Return the person whose access is displayed, None if the user may not see it."""
    person_id = staff.request.GET.get("person")
    if person_id is None or person_id == str(staff.user.pk):
        return staff.user
    return User.objects.filter(id=row_id(person_id)).first() if staff.is_operator else None


def _is_current(session: UserSession, person: User) -> bool:
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
