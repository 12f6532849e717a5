"""Pages of the registers of data protection: requests, suppressions, deleted people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils.translation import gettext, gettext_lazy

from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.pages.customer_profile import display_name
from contacthub_project.admin.pages.privacy_display import (
    TYPES,
    node_names,
    request_row,
)
from contacthub_project.admin.site import page
from contacthub_project.admin.time_zone import local_time
from contacthub_project.core.text import humanized

PROTECTION = "/data-protection"
STATES = {
    "OPEN": gettext_lazy("Open"),
    "OVERDUE": gettext_lazy("Late"),
    "DONE": gettext_lazy("Done"),
    "REFUSED": gettext_lazy("Refused"),
}
SIZE = 50
FIELDS = ("type", "state", "receivedOn", "dueOn", "subject", "note")


@page("privacy/requests/", "privacy-requests")
def requests(office: WorkspaceContext) -> HttpResponseBase:
    """List the register of requests, with a form to enter one."""
    form = office.request.POST
    if office.request.method == "POST":
        body = {name: form[name].strip() for name in FIELDS if form.get(name, "").strip()}
        reply = office.api.write("POST", f"{office.path}{PROTECTION}/requests", body)
        if office.done(reply, gettext("The request is in the register.")):
            return office.go("privacy-requests")
    state = office.request.GET.get("state", "OPEN")
    query: dict[str, Any] = {"size": SIZE, "page": office.page_number}
    if state in STATES:
        query["state"] = state
    query["sort"] = "dueOn,asc" if state in {"OPEN", "OVERDUE"} else "createdAt,desc"
    found = office.get(f"{PROTECTION}/requests", query)
    return office.show(
        "privacy_requests",
        gettext("Requests"),
        rows=[request_row(office, each) for each in found["elements"]],
        page=found["page"],
        kept=office.kept,
        state=state,
        states=STATES.items(),
        types=[(value, label) for value, label in TYPES.items() if value != "RETURN"],
        form=form,
    )


@page("privacy/requests/<uuid:request_id>/", "privacy-request")
def request(office: WorkspaceContext, request_id: UUID) -> HttpResponseBase:
    """Display and change one request: its type, due day and state."""
    path = f"{PROTECTION}/requests/{request_id}"
    known = office.get(path)
    form = office.request.POST
    if office.request.method == "POST":
        body = {name: form[name].strip() for name in FIELDS if name in form}
        version = form.get("version")
        reply = office.api.write("PUT", office.path + path, body, version=version)
        if office.done(reply, gettext("The request is changed.")):
            return office.go("privacy-requests")
        known |= {name: form[name] for name in FIELDS if name in form}
    return office.show(
        "privacy_request",
        str(TYPES.get(known["type"], gettext("Request"))),
        known=known,
        is_return=known["type"] == "RETURN",
        created=local_time(known["createdAt"], office.zone),
        types=[(value, label) for value, label in TYPES.items() if value != "RETURN"],
        states=[(value, label) for value, label in STATES.items() if value != "OVERDUE"],
    )


@page("privacy/suppressions/", "privacy-suppressions")
def suppressions(office: WorkspaceContext) -> HttpResponseBase:
    """List suppressed values, found by a form and not by the address of the page:

    Not by the address: it would stand in the history of the browser.
    """
    form = office.request.POST
    query: dict[str, Any] = {"size": SIZE, "page": office.page_number}
    if form.get("act") == "lift":
        path = f"{office.path}{PROTECTION}/suppressions/{form.get('id', '')}/lift"
        reply = office.api.write("POST", path, {"reason": form.get("reason", "").strip()})
        if office.done(reply, gettext("The value may come back from now on.")):
            return office.go("privacy-suppressions")
    elif form.get("by") in {"email", "externalId"} and form.get("text", "").strip():
        query[form["by"]] = form["text"].strip()
    elif office.request.GET.get("state") in {"IN_FORCE", "LIFTED"}:
        query["state"] = office.request.GET["state"]
    found, names = office.get(f"{PROTECTION}/suppressions", query), node_names(office)
    return office.show(
        "privacy_suppressions",
        gettext("Suppressions"),
        help=(
            gettext(
                "Values are kept as keyed hashes: nobody can read them,"
                " but the hub can tell whether a given value is among them."
            )
        ),
        rows=[
            each
            | {
                "at": local_time(each["createdAt"], office.zone),
                "returned": local_time(each["returnedAt"], office.zone),
                "lifted": local_time(each["liftedAt"], office.zone),
                "node": names[each["nodeId"]] if each["nodeId"] else gettext("all nodes"),
                "label": gettext(humanized(each["kind"])),
            }
            for each in found["elements"]
        ],
        page=found["page"],
        kept=office.kept,
        by=form.get("by", "email"),
        text=form.get("text", ""),
        state=office.request.GET.get("state", ""),
    )


@page("privacy/deleted/", "privacy-deleted")
def deleted(office: WorkspaceContext) -> HttpResponseBase:
    """Find and restore deleted people who are not erased yet."""
    form = office.request.POST
    query: dict[str, Any] = {"size": SIZE, "page": office.page_number}
    if form.get("act") == "restore":
        customer = form.get("customer", "")
        reply = office.api.write("POST", f"{office.path}/customers/{customer}/restore")
        if office.done(reply, gettext("The person is there again, with events and sessions.")):
            return office.go("privacy-deleted")
    elif form.get("by") in {"email", "externalId"} and form.get("text", "").strip():
        query[form["by"]] = form["text"].strip()
    found, names = office.get(f"{PROTECTION}/deleted-customers", query), node_names(office)
    return office.show(
        "privacy_deleted",
        gettext("Deleted people"),
        help=(
            gettext(
                "People who were deleted can be restored until they are erased."
                " Looking them up is noted in the audit log."
            )
        ),
        rows=[
            {
                "id": each["customer"]["id"],
                "name": display_name(each["customer"]),
                "email": (each["customer"]["base"].get("contacts") or {}).get("email") or "",
                "node": names[each["customer"]["nodeId"]],
                "deleted": local_time(each["deletedAt"], office.zone),
                "erased": local_time(each["erasedFrom"], office.zone),
            }
            for each in found["elements"]
        ],
        page=found["page"],
        kept=office.kept,
        by=form.get("by", "email"),
        text=form.get("text", ""),
        may_look=office.may("GET", PROTECTION + "/customers/{customerId}"),
    )
