"""Pages of events: list, details, forms and deletion."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from configuration.domain.vocabulary import CONTEXTS, EVENT_TYPES
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.form_documents import as_typed, changes, filled
from contacthub_project.admin.form_fields import as_field_text, fields_of, labelled_values, read
from contacthub_project.admin.form_sections import problems, sections_by_group, with_faults
from contacthub_project.admin.pages.customer_timeline import event_label
from contacthub_project.admin.site import page
from contacthub_project.admin.time_zone import local_time

SIZE = 20


def _types() -> list[dict[str, str]]:
    """Return the types of events with their names, in alphabetical order."""
    named = ({"type": each.type, "label": gettext(each.label)} for each in EVENT_TYPES.values())
    return sorted(named, key=itemgetter("label"))


def _contexts() -> list[tuple[str, str]]:
    """Return the contexts of events with their names."""
    return [(name, gettext(each["label"])) for name, each in CONTEXTS.items()]


def _in_words(office: WorkspaceContext, found: dict[str, Any]) -> dict[str, Any]:
    """Return an event with its type and context named, and its moments in the office's zone."""
    return found | {
        "type_label": event_label(found["type"]),
        "context_label": gettext(CONTEXTS[found["context"]]["label"]),
        "at": local_time(found["date"], office.zone),
        "registered": local_time(found.get("registeredAt"), office.zone),
    }


@page("events/", "events")
def events(office: WorkspaceContext) -> HttpResponseBase:
    """List the events of a node, latest first."""
    parameters, node = office.request.GET, office.node
    if node is None:
        return office.show(
            "empty", gettext("Events"), message=gettext("There is no node that you may read yet.")
        )
    number = office.page_number
    query: dict[str, Any] = {"nodeId": node["id"], "size": SIZE, "page": number}
    for name in ("type", "context"):
        if parameters.get(name):
            query[name] = parameters[name]
    reply = office.api.get(f"{office.path}/events", query)
    found = reply.json if reply.is_good else {"elements": [], "page": None}
    return office.show(
        "events",
        gettext("Events"),
        node=node,
        rows=[
            (_in_words(office, event), list(labelled_values(event["properties"]))[:3])
            for event in found["elements"]
        ],
        page=found["page"],
        types=_types(),
        contexts=_contexts(),
        type=parameters.get("type", ""),
        context=parameters.get("context", ""),
        kept=office.kept,
        fault="" if reply.is_good else reply.message,
    )


@page("events/<uuid:event_id>/", "event")
def event(office: WorkspaceContext, event_id: Any) -> HttpResponseBase:
    """Show an event."""
    found = office.get(f"/events/{event_id}")
    return office.show(
        "event",
        gettext(EVENT_TYPES[found["type"]].label),
        event=_in_words(office, found),
        back=office.url("event", event_id=event_id),
        properties=list(labelled_values(found["properties"])),
        context_info=list(labelled_values(found["contextInfo"] or {})),
        tracking=list(labelled_values(found.get("tracking") or {})),
        node_name=office.node_name((found.get("bringBackProperties") or {}).get("nodeId") or ""),
    )


@page("events/new/", "new-event")
def new_event(office: WorkspaceContext) -> HttpResponseBase:
    """Create an event: choose its type, then fill in the form of that type's schema."""
    request = office.request
    parameters = request.GET
    event_type, customer_id = parameters.get("type", ""), parameters.get("customer", "")
    if not event_type:
        return office.show(
            "event_type", gettext("What happened?"), types=_types(), customer_id=customer_id
        )
    original = _original(office, parameters.get("copy"))
    fields = filled(_fields(office, event_type), original)
    faults: dict[str, str] = {}
    if request.method == "POST":
        properties, faults = changes(_fields(office, event_type), request.POST)
        if not faults:
            body: dict[str, Any] = {
                "customerId": request.POST.get("customerId", "").strip(),
                "type": event_type,
                "context": request.POST.get("context", "OTHER"),
                "properties": properties,
            }
            if request.POST.get("date"):
                body["date"] = read(request.POST["date"], "moment")
            if original.get("contextInfo"):
                body["contextInfo"] = original["contextInfo"]
            reply = office.api.write("POST", f"{office.path}/events", body)
            if office.done(reply, gettext("The event is there.")):
                return office.go("event", event_id=reply.json["id"])
            faults = _in_properties(reply.faults)
        fields = as_typed(fields, request.POST)
    sections = sections_by_group(with_faults(fields, faults))
    return office.show(
        "event_form",
        gettext("New event: {label}").format(label=event_label(event_type)),
        sections=sections,
        problems=problems(sections, faults),
        contexts=_contexts(),
        context=request.POST.get("context") or (original or {}).get("context") or "OTHER",
        date=request.POST.get("date", ""),
        customer_id=request.POST.get("customerId") or customer_id or original.get("customerId", ""),
        event=None,
        back=office.url("events"),
    )


@page("events/<uuid:event_id>/edit/", "edit-event")
def edit_event(office: WorkspaceContext, event_id: Any) -> HttpResponseBase:
    """Change an event by a form."""
    request = office.request
    found = office.get(f"/events/{event_id}")
    fields = filled(_fields(office, found["type"]), found["properties"])
    date = as_field_text(found["date"], "moment")
    faults: dict[str, str] = {}
    if request.method == "POST":
        properties, faults = changes(fields, request.POST)
        if not faults:
            body: dict[str, Any] = {"properties": properties} if properties else {}
            if request.POST.get("date") and request.POST["date"] != date:
                body["date"] = read(request.POST["date"], "moment")
            reply = office.api.write("PATCH", f"{office.path}/events/{event_id}", body)
            if office.done(reply, gettext("Your changes are kept.")):
                return office.go("event", event_id=event_id)
            faults = _in_properties(reply.faults)
        fields = as_typed(fields, request.POST)
    sections = sections_by_group(with_faults(fields, faults))
    return office.show(
        "event_form",
        gettext("Edit event: {label}").format(label=gettext(EVENT_TYPES[found["type"]].label)),
        sections=sections,
        problems=problems(sections, faults),
        date=request.POST.get("date") or date,
        event=found,
    )


@page("events/<uuid:event_id>/delete/", "delete-event")
def delete_event(office: WorkspaceContext, event_id: Any) -> HttpResponseBase:
    """Delete an event after confirmation."""
    found = office.get(f"/events/{event_id}")
    if office.request.method == "POST":
        reply = office.api.write("DELETE", f"{office.path}/events/{event_id}")
        if office.done(reply, gettext("The event is deleted.")):
            if found.get("customerId"):
                return office.go("customer", customer_id=found["customerId"])
            return office.go("events")
    return office.show(
        "confirm",
        gettext("Delete this {type}?").format(type=event_label(found["type"])),
        what=gettext("The event goes out of every list and count."),
        action=gettext("Delete"),
        back=office.url("event", event_id=event_id),
    )


def _original(office: WorkspaceContext, event_id: str | None) -> dict[str, Any]:
    """Return the event to copy, as values of the form."""
    if not event_id:
        return {}
    found = office.get(f"/events/{event_id}")
    others = {name: found.get(name) for name in ("customerId", "context", "contextInfo")}
    return {**found["properties"], **others}


def _fields(office: WorkspaceContext, event_type: str) -> list[Any]:
    return fields_of(office.get(f"/configuration/events/{event_type}/properties"))


def _in_properties(faults: dict[str, str]) -> dict[str, str]:
    return {path.removeprefix("/properties"): message for path, message in faults.items()}
