"""Pages of entry nodes and aggregate nodes."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.html import escape
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from analytics.admin.charts import localized
from configuration.actions.aggregates import filter_faults
from configuration.admin.node import STATES
from configuration.models import NodeState
from configuration.queries.rules import rules_of as workspace_rules
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.form_fields import BadValue, as_field_text, forced, names_in, read
from contacthub_project.admin.matching_rules_form import rules_of_api
from contacthub_project.admin.site import page
from customers.admin.rule_options import rule_options
from customers.admin.rule_trees import (
    UnreadableRules,
    conditions_of,
    read_tree,
    tree_of_conditions,
)
from customers.models import AggregateBuild
from customers.queries.aggregate_preview import AggregatePreview, preview_aggregate

MOST_FILTERS = 10  # reference: exclusionFilters


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
    if form.get("act") == "save":
        try:
            left_out = _typed_filters(form)
        except (BadValue, UnreadableRules) as fault:
            messages.error(office.request, gettext("Who is left out: {fault}").format(fault=fault))
        else:
            body = current | {
                "name": form.get("name", ""),
                "description": form.get("description") or None,
                "exclusionFilters": left_out,
            }
            reply = office.api.write("PUT", office.path + path, body)
            if office.done(reply, gettext("The node is changed.")):
                return redirect(office.request.path)
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
        current=current | {name: form[name] for name in ("name", "description") if name in form},
        entries=[office.node_name(each) for each in current["entryNodes"]],
        progress=_build_progress(office, current),
        progress_page=office.url("aggregate-progress", node_id=node_id),
        preview_page=office.url("aggregate-preview", node_id=node_id),
        rule_options=rule_options(office.workspace_id, of_conditions=True),
        **_shown_filters(current["exclusionFilters"], form),
    )


def _typed_filters(form: Any) -> list[Any]:
    """Return the exclusion filters in a form; raises BadValue or UnreadableRules."""
    if "exclusionFilters" in form:
        filters: list[Any] = read(form["exclusionFilters"].strip(), "json") or []
        return filters
    return conditions_of(read_tree(form.get("rules", "")), most=MOST_FILTERS)


def _shown_filters(filters: list[Any], form: Any) -> dict[str, Any]:
    """Return the rules of filters for the builder; filters that it cannot show as JSON.

    What was typed comes first.
    """
    tree = tree_of_conditions(filters)
    if "exclusionFilters" in form or tree is None:
        return {"filters": form.get("exclusionFilters", as_field_text(filters, "json"))}
    return {"rules": form.get("rules") or json.dumps(tree)}


@page("settings/aggregates/<uuid:node_id>/progress/", "aggregate-progress")
def aggregate_progress(office: WorkspaceContext, node_id: Any) -> HttpResponseBase:
    """Answer how far an aggregate node is built, as JSON by its id (`office/jobs.js`)."""
    current = office.get(f"/configuration/nodes/aggregates/{node_id}")
    return JsonResponse({str(node_id): _build_progress(office, current)})


def _build_progress(office: WorkspaceContext, current: dict[str, Any]) -> dict[str, Any]:
    """Return state and counts of an aggregate node, in the form of the progress of jobs."""
    state, node_id = current["state"], current["id"]
    builds = AggregateBuild.objects.in_workspace(office.workspace_id)
    build = builds.filter(node_id=node_id).first() if state == NodeState.LOCKED else None
    done, total = (build.done, build.total) if build is not None else (0, 0)
    counts = ""
    if build is not None:
        counts = gettext("{done} of {total} customers").format(
            done=localized(done), total=localized(total)
        )
    elif state == NodeState.ACTIVE:
        found = office.get("/stats/customers", {"nodeId": node_id})["data"]["customers"]
        counts = ngettext("{count} person", "{count} persons", int(found)).format(
            count=localized(int(found))
        )
    label = str(STATES[state])
    return {
        "id": node_id,
        "moves": state == NodeState.LOCKED,
        "has_ended": state != NodeState.LOCKED,
        "done": done,
        "total": total or None,
        "label": escape(label),
        "news": f"{label}. {counts}",
        "parts": {"counts": counts},
    }


@page("settings/aggregates/<uuid:node_id>/preview/", "aggregate-preview")
def aggregate_preview(office: WorkspaceContext, node_id: Any) -> HttpResponseBase:
    """Answer what an aggregate node would be made of with the filters of the form, as JSON."""
    current = office.get(f"/configuration/nodes/aggregates/{node_id}")
    try:
        filters = _typed_filters(office.request.GET)
    except (BadValue, UnreadableRules) as fault:
        return JsonResponse({"text": str(fault)})
    workspace = workspace_rules(office.workspace_id)
    node = workspace.nodes.get(node_id) if workspace else None
    readable = {each["id"] for each in office.nodes}
    if workspace is None or node is None or not readable >= set(current["entryNodes"]):
        return JsonResponse({"text": gettext("You may not read all of its entry nodes.")})
    faults = filter_faults(filters, workspace.customer_schema)
    if faults:
        return JsonResponse({"text": "; ".join(each.message for each in faults)})
    return JsonResponse({"text": _preview_text(preview_aggregate(workspace, node, filters))})


def _preview_text(found: AggregatePreview) -> str:
    counts = [
        (
            gettext("Customers in the entry nodes")
            if found.is_complete
            else gettext("The first customers in the entry nodes"),
            found.customers,
        ),
        (gettext("customers left out"), found.left_out),
        (gettext("without what people are recognised by"), found.unrecognised),
        (gettext("persons of the others"), found.persons),
    ]
    return ", ".join(f"{label}: {localized(count)}" for label, count in counts)
