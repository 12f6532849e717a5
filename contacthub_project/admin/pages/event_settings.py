"""The page of event types: enabled or not, the consents they require, their size limit."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from configuration.domain.vocabulary import EVENT_CATEGORIES, EVENT_TYPES
from contacthub_project.admin.context import CONFIGURATION, WorkspaceContext
from contacthub_project.admin.form_fields import names_in
from contacthub_project.admin.site import page

CATEGORIES = {each["id"]: each["label"] for each in EVENT_CATEGORIES}


@page("settings/events/", "event-settings")
def event_settings(office: WorkspaceContext) -> HttpResponseBase:
    """Switch types of events, and set the consents that they require."""
    form = office.request.POST
    if form.get("act") == "switch":
        name, on = form.get("type", ""), form.get("on") == "true"
        reply = office.api.write(
            "PUT", f"{office.configuration}/events/{name}/enabled", {"value": on}
        )
        if office.done(
            reply,
            gettext("{name} is {state}.").format(
                name=name, state=gettext("on") if on else gettext("off")
            ),
        ):
            return office.go("event-settings", {"q": office.request.GET.get("q", "")})
    elif form.get("act") == "consents":
        policy = office.get(CONFIGURATION + "/consent-policy")
        paths = names_in(form.get("consents", ""))
        policy = {k: v for k, v in policy.items() if k != form.get("type")}
        if paths:
            policy[form.get("type", "")] = paths
        reply = office.api.write("PUT", f"{office.configuration}/consent-policy", policy)
        if office.done(reply, gettext("The consent policy is changed.")):
            return office.go("event-settings")
    search = office.request.GET.get("q", "").strip().lower()
    consents = office.get(CONFIGURATION + "/consent-policy")
    sizes = office.get(CONFIGURATION + "/payload-size")
    listed = [
        each | {
            "consents": " ".join(consents.get(each["type"], [])),
            "label": gettext(each["label"]),
            "category": gettext(CATEGORIES[EVENT_TYPES[each["type"]].category]),
            "kilobytes": sizes[each["type"]]["maxBytes"] // 1024,
        }
        for each in office.get(CONFIGURATION + "/events")["elements"]
        if search in gettext(each["label"]).lower() or search in each["type"].lower()
    ]  # fmt: skip
    return office.show(
        "settings_events",
        gettext("Events"),
        types=listed,
        quick=search,
        may_write=office.may("PUT", CONFIGURATION + "/events/{eventType}/enabled"),
    )
