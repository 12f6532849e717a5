"""Pages of entry nodes and aggregate nodes."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext as _

from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.form_fields import BadValue, as_field_text, forced, names_in, read
from contacthub_project.admin.matching_rules_form import rules_of_api
from contacthub_project.admin.site import page


@page(
    "settings/nodes/<uuid:node_id>/",
    "node",
    sensitive={
        "empty": gettext_lazy("You remove all customers and events of a node."),
        "delete": gettext_lazy("You delete a node with all its customers and events."),
    },
)
def node(office: WorkspaceContext, node_id: Any) -> HttpResponseBase:
    """Change, empty or delete an entry node; shows the progress of re-keying."""
    path = f"/configuration/nodes/entries/{node_id}"
    current, form = office.get(path), office.request.POST
    if form.get("act") == "save":
        body = current | {
            "name": form.get("name", ""),
            "description": form.get("description") or None,
            "mandatoryProperties": names_in(form.get("mandatoryProperties", "")),
        }
        reply = office.api.write("PUT", office.path + path, body, query=forced(form))
        if office.done(reply, gettext("The node is changed.")):
            return office.go("nodes")
    elif form.get("act") in {"empty", "delete"} and office.has_typed(current["name"]):
        where = f"{path}/data" if form["act"] == "empty" else path
        text = (
            gettext("The node is being emptied.")
            if form["act"] == "empty"
            else gettext("The node is deleted.")
        )
        if office.done(office.api.write("DELETE", office.path + where), text):
            return office.go("nodes")
    rekeying = office.api.get(f"{office.path}{path}/rekeying")
    rules = office.get(path + "/matching-rules")["rules"]
    return office.show(
        "settings_node",
        current["name"],
        current=current,
        rules=rules_of_api(rules),
        rules_page=office.url("matching-rules", node_id=node_id),
        rekeying=rekeying.json if rekeying.is_good else None,
    )


@page("settings/aggregates/<uuid:node_id>/", "aggregate-node")
def aggregate_node(office: WorkspaceContext, node_id: Any) -> HttpResponseBase:
    """Change or delete an aggregate node.

    Entry nodes and matching properties cannot change.
    """
    path = f"/configuration/nodes/aggregates/{node_id}"
    current, form = office.get(path), office.request.POST
    filters = as_field_text(current.get("exclusionFilters"), "json")
    if form.get("act") == "save":
        filters = form.get("exclusionFilters", "")
        try:
            left_out = read(filters.strip(), "json")
        except BadValue as fault:
            messages.error(office.request, gettext("Who is left out: {fault}").format(fault=fault))
        else:
            body = current | {
                "name": form.get("name", ""),
                "description": form.get("description") or None,
                "exclusionFilters": left_out or [],
            }
            reply = office.api.write("PUT", office.path + path, body)
            if office.done(reply, gettext("The node is changed.")):
                return office.go("nodes")
    elif form.get("act") == "activate":
        reply = office.api.write("PUT", f"{office.path}{path}/state", {"state": "ACTIVE"})
        if office.done(reply, _("The node is being built.")):
            return redirect(office.request.path)
    elif form.get("act") == "delete" and office.has_typed(current["name"]):
        reply = office.api.write("DELETE", office.path + path)
        if office.done(reply, gettext("The node is deleted.")):
            return office.go("nodes")
    return office.show(
        "settings_aggregate",
        current["name"],
        current=current,
        entries=[office.node_name(each) for each in current["entryNodes"]],
        filters=filters,
    )
