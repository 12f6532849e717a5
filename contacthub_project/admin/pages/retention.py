"""Pages of the retention of events and of people."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from analytics.admin.charts import localized
from configuration.domain.vocabulary import EVENT_TYPES
from contacthub_project.admin.context import CONFIGURATION, WorkspaceContext
from contacthub_project.admin.form_fields import number
from contacthub_project.admin.person_name import display_name
from contacthub_project.admin.site import page
from contacthub_project.api.pagination import LARGEST_MATCH
from events.actions.purge import expired

INACTIVE = "/data-protection/inactive-customers"
SHOWN = 20
PEOPLE = ("deletedDays", "customerRetentionMonths", "suppression")
MODES = {
    "IMPORTS": gettext_lazy("Imports are refused; a single write is the person's own act"),
    "ALLOW_WITH_CONSENT": gettext_lazy("Everything is refused unless a new consent comes with it"),
    "REFUSE": gettext_lazy("Everything is refused"),
    "OFF": gettext_lazy("Everything is taken; nothing is kept to know them by"),
}


@page("settings/retention/", "retention")
def retention(office: WorkspaceContext) -> HttpResponseBase:
    """Set how long events and people are kept; shows what the next purge would delete."""
    form = office.request.POST
    if form.get("act") == "people" and _save_people(office):
        return office.go("retention")
    months = office.get(CONFIGURATION + "/retention-policy")
    if form.get("act") == "save":
        changed = {
            name: {"months": number(form[name])} if form.get(name) else kept
            for name, kept in months.items()
        }
        reply = office.api.write("PUT", f"{office.configuration}/retention-policy", changed)
        if office.done(reply, gettext("The retention policy is changed.")):
            return office.go("retention")
    switches = []
    for each in office.everything(CONFIGURATION + "/nodes/entries"):
        state = office.get(f"/configuration/nodes/entries/{each['id']}/retention-policy/enabled")
        switches.append((each, state["enabled"]))
    preview = None
    if office.request.GET.get("preview"):
        readable = {each["id"] for each in office.nodes}
        preview = [
            (office.node_name(str(each.expiry.node_id)), each.expiry.type, each)
            for each in expired(office.workspace_id, timezone.now())
            if str(each.expiry.node_id) in readable
        ]
    return office.show(
        "settings_retention",
        gettext("Retention"),
        months=[
            (name, gettext(EVENT_TYPES[name].label), kept["months"])
            for name, kept in months.items()
        ],
        switches=switches,
        preview=preview,
        may_write=office.may("PUT", CONFIGURATION + "/retention-policy"),
        people=_people(office),
        modes=MODES.items(),
        inactive=_inactive(office),
        may_preview=office.may("GET", INACTIVE),
        may_write_people=office.may("PUT", CONFIGURATION),
    )


def _people(office: WorkspaceContext) -> dict[str, Any]:
    """Return the settings of people as they are, or as they were typed."""
    current = office.get(CONFIGURATION)
    form = office.request.POST
    return {name: form.get(name, current[name]) for name in PEOPLE}


def _save_people(office: WorkspaceContext) -> bool:
    form = office.request.POST
    body = {name: number(form.get(name, "")) for name in ("deletedDays", "customerRetentionMonths")}
    reply = office.api.write(
        "PUT", office.configuration, body | {"suppression": form.get("suppression")}
    )
    return office.done(reply, gettext("What is kept of people is changed."))


def _inactive(office: WorkspaceContext) -> dict[str, Any] | None:
    """Return whom a number of months would delete; None unless it is asked for."""
    months = office.request.GET.get("people")
    if not months:
        return None
    found = office.get(INACTIVE, {"months": months, "size": SHOWN})
    total = found["page"]["totalElements"]
    return {
        "months": months,
        "total": (gettext("{count} or more") if total >= LARGEST_MATCH else "{count}").format(
            count=localized(total)
        ),
        "people": [
            (each["id"], display_name(each), office.node_name(each["nodeId"]))
            for each in found["elements"]
        ],
    }


@page("settings/retention/<uuid:node_id>/", "node-retention")
def node_retention(office: WorkspaceContext, node_id: Any) -> HttpResponseBase:
    """Enable or disable the purge of a node."""
    if office.request.method == "POST":
        path = f"{office.configuration}/nodes/entries/{node_id}/retention-policy/enabled"
        on = office.request.POST.get("on") == "true"
        office.done(office.api.write("PUT", path, {"enabled": on}), gettext("The node is changed."))
    return office.go("retention")
