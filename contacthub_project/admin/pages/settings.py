"""Pages of a workspace's settings: nodes, properties, events, sources, retention."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from configuration.domain.placeholders import PLACEHOLDERS
from configuration.domain.vocabulary import CURRENCIES, EVENT_TYPES, INDUSTRIES, TIMEZONES
from contacthub_project.admin.form_fields import BadValue, number, read, written
from contacthub_project.admin.site import WorkspaceContext, page
from customers.models import AggregateBuild
from events.actions.purge import expired

CONFIGURATION = "/configuration"
EXTENDED_TYPES = ("string", "integer", "number", "boolean", "array")


@page("settings/", "workspace-settings")
def workspace(office: WorkspaceContext) -> HttpResponseBase:
    """Change the workspace's own settings, placeholders and throttling."""
    form = office.request.POST
    current = office.get(CONFIGURATION)
    throttling = office.get(CONFIGURATION + "/throttling")["maxRequestsPerMinute"]
    if "name" in form:
        names = ("name", "industry", "timezone", "currency", "logo")
        body: dict[str, Any] = {name: form.get(name) or None for name in names} | {
            "name": form["name"]
        }
        if "placeholderValues" in form:
            lines = form["placeholderValues"].splitlines()
            body["placeholderValues"] = [line for line in lines if line.strip()]
        reply = office.api.write("PUT", office.configuration, body)
        if office.done(reply, "The workspace is changed."):
            return office.go("workspace-settings")
    elif "maxRequestsPerMinute" in form:
        limit = {"maxRequestsPerMinute": number(form["maxRequestsPerMinute"])}
        reply = office.api.write("PUT", f"{office.configuration}/throttling", limit)
        if office.done(reply, "The limit is changed."):
            return office.go("workspace-settings")
    return office.show(
        "settings_workspace",
        "Workspace",
        current=current,
        throttling=throttling,
        industries=INDUSTRIES,
        timezones=TIMEZONES,
        currencies=CURRENCIES,
        own_placeholders="\n".join(current["placeholderValues"]),
        placeholders=sorted(PLACEHOLDERS),
        may_write=office.may("PUT", CONFIGURATION),
        may_throttle=office.may("PUT", CONFIGURATION + "/throttling"),
    )


@page("settings/nodes/", "nodes")
def nodes(office: WorkspaceContext) -> HttpResponseBase:
    """List nodes, with the progress of aggregate nodes that are built; create them."""
    form = office.request.POST
    if office.request.method == "POST" and _change_nodes(office, form):
        return office.go("nodes")
    builds = {
        str(build.node_id): {"done": build.done, "total": build.total}
        for build in AggregateBuild.objects.filter(workspace_id=office.workspace_id)
    }
    totals = {each["id"]: each["customers"] for each in office.everything("/stats/nodes")}
    entries = office.everything(CONFIGURATION + "/nodes/entries")
    aggregates = office.everything(CONFIGURATION + "/nodes/aggregates")
    return office.show(
        "settings_nodes",
        "Nodes",
        entries=[each | {"customers": totals.get(each["id"], 0)} for each in entries],
        aggregates=[
            each | {"customers": totals.get(each["id"], 0), "build": builds.get(each["id"])}
            for each in aggregates
        ],
        may_write=office.may("POST", CONFIGURATION + "/nodes/entries"),
    )


def _change_nodes(office: WorkspaceContext, form: Any) -> bool:
    act, base = form.get("act"), f"{office.configuration}/nodes"
    policy = {
        "properties": _listed(form.get("properties", "")) or ["base.contacts.email"],
        "caseSensitive": form.get("caseSensitive") == "on",
    }
    texts = {"name": form.get("name", ""), "description": form.get("description") or None}
    if act == "add-entry":
        body = texts | {"uniqueCustomer": policy}
        return office.done(office.api.write("POST", f"{base}/entries", body), "The node is there.")
    if act == "add-aggregate":
        body = texts | {"entryNodes": form.getlist("entryNodes"), "matchingProperties": policy}
        return office.done(
            office.api.write("POST", f"{base}/aggregates", body), "The aggregate node is there."
        )
    node = form.get("id", "-")
    if act == "activate":
        reply = office.api.write("PUT", f"{base}/aggregates/{node}/state", {"state": "ACTIVE"})
        return office.done(reply, "The node is being built.")
    return False


@page(
    "settings/nodes/<uuid:node_id>/",
    "node",
    sensitive={
        "empty": "You remove all customers and events of a node.",
        "delete": "You delete a node with all its customers and events.",
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
            "mandatoryProperties": _listed(form.get("mandatoryProperties", "")),
            "uniqueCustomer": {
                "properties": _listed(form.get("properties", "")),
                "caseSensitive": form.get("caseSensitive") == "on",
            },
        }
        reply = office.api.write("PUT", office.path + path, body, query=_forced(form))
        is_under_way = reply.status == HTTPStatus.ACCEPTED
        said = "Its customers are being recognised anew."
        if office.done(reply, said if is_under_way else "The node is changed."):
            return redirect(office.request.path) if is_under_way else office.go("nodes")
    elif form.get("act") in {"empty", "delete"} and office.has_typed(current["name"]):
        where = f"{path}/data" if form["act"] == "empty" else path
        said = "The node is being emptied." if form["act"] == "empty" else "The node is deleted."
        if office.done(office.api.write("DELETE", office.path + where), said):
            return office.go("nodes")
    rekeying = office.api.get(f"{office.path}{path}/rekeying")
    return office.show(
        "settings_node",
        current["name"],
        current=current,
        rekeying=rekeying.json if rekeying.is_good else None,
    )


@page("settings/aggregates/<uuid:node_id>/", "aggregate-node")
def aggregate_node(office: WorkspaceContext, node_id: Any) -> HttpResponseBase:
    """Change or delete an aggregate node.

    Entry nodes and matching properties cannot change.
    """
    path = f"/configuration/nodes/aggregates/{node_id}"
    current, form = office.get(path), office.request.POST
    filters = written(current.get("exclusionFilters"), "json")
    if form.get("act") == "save":
        filters = form.get("exclusionFilters", "")
        try:
            left_out = read(filters.strip(), "json")
        except BadValue as fault:
            messages.error(office.request, f"Who is left out: {fault}")
        else:
            body = current | {
                "name": form.get("name", ""),
                "description": form.get("description") or None,
                "exclusionFilters": left_out or [],
            }
            reply = office.api.write("PUT", office.path + path, body)
            if office.done(reply, "The node is changed."):
                return office.go("nodes")
    elif form.get("act") == "delete" and office.has_typed(current["name"]):
        reply = office.api.write("DELETE", office.path + path)
        if office.done(reply, "The node is deleted."):
            return office.go("nodes")
    return office.show(
        "settings_aggregate",
        current["name"],
        current=current,
        entries=[office.node_name(each) for each in current["entryNodes"]],
        filters=filters,
    )


@page("settings/properties/", "properties")
def properties(office: WorkspaceContext) -> HttpResponseBase:
    """Switch base properties, and define extended ones."""
    form = office.request.POST
    extended = office.get(CONFIGURATION + "/properties/extended")
    act = form.get("act")
    if act == "switch":
        name, on = form.get("name", ""), form.get("on") == "true"
        path = f"{office.configuration}/properties/base/{name}/enabled"
        reply = office.api.write("PUT", path, {"value": on})
        if office.done(reply, f"{name} is {'on' if on else 'off'}."):
            return office.go("properties")
    elif act in {"add", "remove"}:
        changed = dict(extended)
        if act == "add":
            changed[form.get("name", "").strip()] = _definition(form)
        else:
            changed.pop(form.get("name", ""), None)
        path = f"{office.configuration}/properties/extended"
        reply = office.api.write("PUT", path, changed, query=_forced(form))
        if office.done(reply, "The properties are changed."):
            return office.go("properties")
    base = office.get(CONFIGURATION + "/properties/base")["elements"]
    return office.show(
        "settings_properties",
        "Properties",
        base=[each | {"indent": range(each["name"].count(".")), "leaf": each["name"].split(".")[-1]}
              for each in base],
        extended=extended.items(),
        types=EXTENDED_TYPES,
        policies=[each["id"] for each in office.get("/models/merge-policies")["elements"]],
        may_write=office.may("PUT", CONFIGURATION + "/properties/extended"),
    )  # fmt: skip


@page("settings/properties/download/", "download-properties")
def download_properties(office: WorkspaceContext) -> HttpResponseBase:
    """Download the JSON Schema of the workspace's customers."""
    return office.file(CONFIGURATION + "/properties", name="customer-properties.json")


def _definition(form: Any) -> dict[str, Any]:
    kind = form.get("type", "string")
    definition: dict[str, Any] = {"type": kind}
    if kind == "array":
        definition["items"] = {"type": "string"}
    if form.get("label"):
        definition["label"] = form["label"]
    if form.get("mergePolicy"):
        definition["mergePolicy"] = form["mergePolicy"]
    if form.get("indexed") == "on":
        definition["indexed"] = True
    return definition


@page("settings/events/", "event-settings")
def event_settings(office: WorkspaceContext) -> HttpResponseBase:
    """Switch types of events, and set the consents that they require."""
    form = office.request.POST
    if form.get("act") == "switch":
        name, on = form.get("type", ""), form.get("on") == "true"
        reply = office.api.write(
            "PUT", f"{office.configuration}/events/{name}/enabled", {"value": on}
        )
        if office.done(reply, f"{name} is {'on' if on else 'off'}."):
            return office.go("event-settings", {"q": office.request.GET.get("q", "")})
    elif form.get("act") == "consents":
        policy = office.get(CONFIGURATION + "/consent-policy")
        paths = _listed(form.get("consents", ""))
        policy = {k: v for k, v in policy.items() if k != form.get("type")}
        if paths:
            policy[form.get("type", "")] = paths
        reply = office.api.write("PUT", f"{office.configuration}/consent-policy", policy)
        if office.done(reply, "The consent policy is changed."):
            return office.go("event-settings")
    wanted = office.request.GET.get("q", "").strip().lower()
    consents = office.get(CONFIGURATION + "/consent-policy")
    sizes = office.get(CONFIGURATION + "/payload-size")
    listed = [
        each | {
            "consents": " ".join(consents.get(each["type"], [])),
            "category": EVENT_TYPES[each["type"]].category,
            "kilobytes": sizes[each["type"]]["maxBytes"] // 1024,
        }
        for each in office.get(CONFIGURATION + "/events")["elements"]
        if wanted in each["label"].lower() or wanted in each["type"].lower()
    ]  # fmt: skip
    return office.show(
        "settings_events",
        "Events",
        types=listed,
        quick=wanted,
        may_write=office.may("PUT", CONFIGURATION + "/events/{eventType}/enabled"),
    )


@page(
    "settings/sources/",
    "sources",
    sensitive={
        "add": "You make a source, and see its token.",
        "refresh": "You make a new token of a source. The old one ends.",
    },
)
def sources(office: WorkspaceContext) -> HttpResponseBase:
    """List, create and change sources; a token is shown once."""
    form = office.request.POST
    act = form.get("act")
    if act in {"switch", "dates", "delete"} and _change_source(office, form, act):
        return office.go("sources")
    token = _new_token(office, form, act)
    listed = office.everything(CONFIGURATION + "/sources")
    return office.show(
        "settings_sources",
        "Sources",
        sources=[
            each | {"node_names": [office.node_name(node) for node in each["nodes"]]}
            for each in listed
        ],
        token=token,
        typed=form if act == "add" and token is None else {},
        providers=[
            each for each in office.get("/models/providers")["elements"] if each["creatable"]
        ],
        may_write=office.may("POST", CONFIGURATION + "/sources"),
    )


def _change_source(office: WorkspaceContext, form: Any, act: str) -> bool:
    """Delete or change a source; return whether that was done."""
    path = f"{office.configuration}/sources/{form.get('id', '-')}"
    if act == "delete":
        return office.done(office.api.write("DELETE", path), "The source is deleted.")
    current = office.get(f"/configuration/sources/{form.get('id', '-')}")
    changed: dict[str, Any] = {"enabled": form.get("on") == "true"}
    if act == "dates":
        changed = {"dateFormat": form.get("dateFormat", "")}
    return office.done(office.api.write("PUT", path, current | changed), "The source is changed.")


def _new_token(office: WorkspaceContext, form: Any, act: str | None) -> str | None:
    """Create a source or refresh its token; return the token, None if that failed."""
    base = f"{office.configuration}/sources"
    if act == "add":
        reply = office.api.write("POST", base, _new_source(form))
        said = "The source is there. Copy its token now: it is shown only once."
    elif act == "refresh":
        reply = office.api.write("POST", f"{base}/{form.get('id', '-')}/refresh-token", {})
        said = "Copy the new token now: it is shown only once."
    else:
        return None
    return str(reply.json["token"]) if office.done(reply, said) else None


def _new_source(form: Any) -> dict[str, Any]:
    """Return the body of a new source."""
    body: dict[str, Any] = {
        "provider": form.get("provider", "API"),
        "name": form.get("name", ""),
        "nodes": form.getlist("nodes"),
    }
    if form.get("dateFormat"):
        body["dateFormat"] = form["dateFormat"]
    if form.get("untrusted") == "on":
        body["trusted"] = False
    if form.get("allowedURLs", "").strip():
        body["properties"] = {"allowedURLs": form["allowedURLs"].split()}
    return body


@page("settings/retention/", "retention")
def retention(office: WorkspaceContext) -> HttpResponseBase:
    """Set how long events are kept; shows what the next purge would delete."""
    form = office.request.POST
    months = office.get(CONFIGURATION + "/retention-policy")
    if form.get("act") == "save":
        changed = {
            name: {"months": number(form[name])} if form.get(name) else kept
            for name, kept in months.items()
        }
        reply = office.api.write("PUT", f"{office.configuration}/retention-policy", changed)
        if office.done(reply, "The retention policy is changed."):
            return office.go("retention")
    switches = []
    for each in office.everything(CONFIGURATION + "/nodes/entries"):
        state = office.get(f"/configuration/nodes/entries/{each['id']}/retention-policy/enabled")
        switches.append((each, state["enabled"]))
    doomed = None
    if office.request.GET.get("preview"):
        readable = {each["id"] for each in office.nodes}
        doomed = [
            (office.node_name(str(each.expiry.node_id)), each.expiry.type, each)
            for each in expired(office.workspace_id, timezone.now())
            if str(each.expiry.node_id) in readable
        ]
    return office.show(
        "settings_retention",
        "Retention",
        months=[(name, EVENT_TYPES[name].label, kept["months"]) for name, kept in months.items()],
        switches=switches,
        doomed=doomed,
        may_write=office.may("PUT", CONFIGURATION + "/retention-policy"),
    )


@page("settings/retention/<uuid:node_id>/", "node-retention")
def node_retention(office: WorkspaceContext, node_id: Any) -> HttpResponseBase:
    """Enable or disable the purge of a node."""
    if office.request.method == "POST":
        path = f"{office.configuration}/nodes/entries/{node_id}/retention-policy/enabled"
        on = office.request.POST.get("on") == "true"
        office.done(office.api.write("PUT", path, {"enabled": on}), "The node is changed.")
    return office.go("retention")


def _forced(form: Any) -> dict[str, str]:
    """Return the query with `force`, if the visitor asks for it."""
    return {"force": "true"} if form.get("force") == "on" else {}


def _listed(text: str) -> list[str]:
    return text.replace(",", " ").split()
