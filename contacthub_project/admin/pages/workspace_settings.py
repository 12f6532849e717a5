"""The page of a workspace's own settings: name, place, placeholders, quarantine, throttling."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from configuration.domain.matching_policy import COUNTRIES
from configuration.domain.placeholders import PLACEHOLDERS
from configuration.domain.vocabulary import CURRENCIES, INDUSTRIES, TIMEZONES
from contacthub_project.admin.context import CONFIGURATION, WorkspaceContext
from contacthub_project.admin.form_fields import number
from contacthub_project.admin.site import page


@page("settings/", "workspace-settings")
def workspace(office: WorkspaceContext) -> HttpResponseBase:
    """Change the workspace's own settings, placeholders, identity, quarantine and throttling."""
    current = office.get(CONFIGURATION)
    throttling = office.get(CONFIGURATION + "/throttling")["maxRequestsPerMinute"]
    submitted = _submitted(office.request.POST)
    if submitted is not None:
        rest, body, message = submitted
        reply = office.api.write("PUT", office.configuration + rest, body)
        if office.done(reply, message):
            return office.go("workspace-settings")
    return office.show(
        "settings_workspace",
        gettext("Workspace"),
        current=current,
        throttling=throttling,
        industries=INDUSTRIES,
        timezones=TIMEZONES,
        currencies=CURRENCIES,
        countries=sorted(COUNTRIES),
        own_placeholders="\n".join(current["placeholderValues"]),
        placeholders=sorted(PLACEHOLDERS),
        may_write=office.may("PUT", CONFIGURATION),
        may_throttle=office.may("PUT", CONFIGURATION + "/throttling"),
    )


def _submitted(form: Any) -> tuple[str, dict[str, Any], str] | None:
    """Return what one of the page's forms changes; None when none was submitted.

    The rest of the path below the configuration, the body, and what to say afterwards.
    """
    if "name" in form:
        names = ("industry", "timezone", "currency", "logo")
        body: dict[str, Any] = {"name": form["name"]}
        body |= {name: form.get(name) or None for name in names}
        if "placeholderValues" in form:
            lines = form["placeholderValues"].splitlines()
            body["placeholderValues"] = [line for line in lines if line.strip()]
        return "", body, gettext("The workspace is changed.")
    if "historyDays" in form:
        body = {
            "findDuplicates": "findDuplicates" in form,
            "followMergedIds": "followMergedIds" in form,
            "historyDays": number(form["historyDays"]),
            "country": form.get("country") or None,
        }
        return "", body, gettext("How people are told apart is changed.")
    if "refused" in form:
        body = {"quarantine": "quarantine" in form}
        return "", body, gettext("What becomes of refused data is changed.")
    if "maxRequestsPerMinute" in form:
        body = {"maxRequestsPerMinute": number(form["maxRequestsPerMinute"])}
        return "/throttling", body, gettext("The limit is changed.")
    return None
