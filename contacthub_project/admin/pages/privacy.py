"""Pages of data protection officers: find, view, export and erase a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from configuration.models import StaffChange
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.form_fields import labelled_values
from contacthub_project.admin.pages.customer_profile import log_text
from contacthub_project.admin.pages.privacy_display import (
    REASONS,
    TYPES,
    labelled_counts,
    node_names,
    request_row,
)
from contacthub_project.admin.person_name import display_name
from contacthub_project.admin.sign_in.reauthentication import ANY, require_reauthentication
from contacthub_project.admin.site import page
from contacthub_project.admin.time_zone import local_time

PROTECTION = "/data-protection"
WAYS = {
    "email": gettext_lazy("E-mail address"),
    "phone": gettext_lazy("Telephone number"),
    "externalId": gettext_lazy("External id"),
    "name": gettext_lazy("Name"),
    "customerId": gettext_lazy("Id of the customer"),
}
DUE_AT_ONCE = 10
REMEMBERED = timedelta(hours=1)  # how long the reason of a look-up holds for its people


@page("privacy/people/", "privacy")
def privacy(office: WorkspaceContext) -> HttpResponseBase:
    """Find a person in all nodes, and display the open requests that are due next."""
    form = office.request.POST
    reply = None
    if office.request.method == "POST":
        by = form.get("by") if form.get("by") in WAYS else "email"
        body = {by: form.get("text", "").strip(), "reason": form.get("reason", "").strip()}
        reply = office.api.write("POST", f"{office.path}{PROTECTION}/look-ups", body)
        if not reply.is_good:
            office.done(reply, "")
    found = reply.json if reply is not None and reply.is_good else None
    names = node_names(office)
    due = office.get(
        f"{PROTECTION}/requests", {"state": "OPEN", "sort": "dueOn,asc", "size": DUE_AT_ONCE}
    )
    return office.show(
        "privacy",
        gettext("Find a person"),
        ways=WAYS.items(),
        by=form.get("by", "email"),
        text=form.get("text", ""),
        reason=form.get("reason", ""),
        found=found,
        rows=[
            {
                "person": each,
                "name": " ".join(filter(None, [each["firstName"], each["lastName"]])),
                "node": names[each["nodeId"]],
                "deleted": local_time(each["deletedAt"], office.zone),
            }
            for each in (found or {}).get("elements", ())
        ],
        requests=[request_row(office, each) for each in due["elements"]],
        due=due["page"]["totalElements"],
    )


@page(
    "privacy/people/<uuid:customer_id>/",
    "privacy-person",
    sensitive={"restrict": gettext_lazy("You restrict what may be done with a person's data.")},
)
def person(office: WorkspaceContext, customer_id: UUID) -> HttpResponseBase:
    """Display the data held of a person and the consent log; restrict, restore, enter requests."""
    form = office.request.POST
    if form.get("act") in ACTS:
        ACTS[form["act"]](office, customer_id)
        return office.go("privacy-person", customer_id=customer_id)
    reason = form.get("reason", "").strip() or _reason_of(office, customer_id)
    if not reason:
        return office.show(
            "privacy_reason", gettext("Why do you look?"), back=office.url("privacy")
        )
    held = office.get(f"{PROTECTION}/customers/{customer_id}", {"reason": reason})
    customer = held["customer"]
    log = office.get("/consent-logs", {"customerId": str(customer_id), "size": 100})
    return office.show(
        "privacy_person",
        display_name(customer),
        held=held,
        person=customer,
        name=display_name(customer),
        node_name=node_names(office)[customer["nodeId"]],
        deleted=local_time(held["deletedAt"], office.zone),
        erased_from=local_time(held["erasedFrom"], office.zone),
        profile=_profile(office, customer),
        extended=list(labelled_values(customer["extended"] or {})),
        consents=list(labelled_values(customer["consents"] or {})),
        counts=labelled_counts(held),
        lists=[
            (name, [list(labelled_values(_as_mapping(each))) for each in elements])
            for name, elements in held["lists"].items()
            if name != "consentLogs" and elements
        ],
        log=[
            each | {"date": local_time(each["date"], office.zone), "what": log_text(each)}
            for each in log["elements"]
        ],
        log_total=log["page"]["totalElements"],
        types=[(value, label) for value, label in TYPES.items() if value != "RETURN"],
        reason=reason,
        may_restore=held["deletedAt"] is not None,
        **_requests(office, customer_id),
    )


def _profile(office: WorkspaceContext, customer: dict[str, Any]) -> list[Any]:
    """Return labels and texts of the profile, without the password."""
    base = {name: value for name, value in customer["base"].items() if name != "credential"}
    system = {name: customer[name] for name in ("externalId", "extra", "tags")} | {
        "registered": local_time(customer["registeredAt"], office.zone),
        "changed": local_time(customer["updatedAt"], office.zone),
    }
    return [*labelled_values(base), *labelled_values(system)]


def _requests(office: WorkspaceContext, customer_id: UUID) -> dict[str, Any]:
    """Return the person's requests, and open ones that name nobody yet."""
    path = f"{PROTECTION}/requests"
    requests = office.get(path, {"customerId": str(customer_id)})["elements"]
    unnamed = office.get(path, {"state": "OPEN", "sort": "dueOn,asc", "size": 50})["elements"]
    return {
        "requests": [request_row(office, each) for each in requests],
        "unnamed": [request_row(office, each) for each in unnamed if not each["customerId"]],
    }


def _reason_of(office: WorkspaceContext, customer_id: UUID) -> str:
    """Return the reason for which the person was looked at lately; it is kept nowhere else."""
    lately = StaffChange.objects.in_workspace(office.workspace_id).about(str(customer_id))
    known = lately.filter(user=office.user, at__gt=timezone.now() - REMEMBERED).exclude(reason="")
    reason: str | None = known.order_by("-id").values_list("reason", flat=True).first()
    return reason or ""


def _restrict(office: WorkspaceContext, customer_id: UUID) -> bool:
    form = office.request.POST
    is_restricted = form.get("restricted") == "true"
    body = {"isRestricted": is_restricted, "scope": "workspace"}
    path = f"{office.path}{PROTECTION}/customers/{customer_id}/restriction"
    message = (
        gettext("Every consent is limited now.")
        if is_restricted
        else gettext("The restriction is lifted.")
    )
    return office.done(office.api.write("POST", path, body), message)


def _register_request(office: WorkspaceContext, customer_id: UUID) -> bool:
    form = office.request.POST
    body = {"type": form.get("type"), "customerId": str(customer_id), "note": form.get("note", "")}
    if form.get("receivedOn"):
        body["receivedOn"] = form["receivedOn"]
    reply = office.api.write("POST", f"{office.path}{PROTECTION}/requests", body)
    return office.done(reply, gettext("The request is in the register."))


def _name(office: WorkspaceContext, customer_id: UUID) -> bool:
    path = f"{office.path}{PROTECTION}/requests/{office.request.POST.get('request', '')}"
    reply = office.api.write("PUT", path, {"customerId": str(customer_id)})
    return office.done(reply, gettext("The request names this person now."))


def _restore(office: WorkspaceContext, customer_id: UUID) -> bool:
    reply = office.api.write("POST", f"{office.path}/customers/{customer_id}/restore")
    return office.done(reply, gettext("The person is there again."))


ACTS = {"restrict": _restrict, "enter": _register_request, "name": _name, "restore": _restore}


@page(
    "privacy/people/<uuid:customer_id>/export/",
    "privacy-export",
    sensitive={ANY: gettext_lazy("You take out all that is held of a person, as a file.")},
)
def export(office: WorkspaceContext, customer_id: UUID) -> HttpResponseBase:
    """Download all data of a person, as a page to read or as JSON."""
    if office.request.method != "POST":
        return office.go("privacy-person", customer_id=customer_id)
    file_format = "html" if office.request.POST.get("format") == "html" else "json"
    path = f"{PROTECTION}/customers/{customer_id}/export"
    return office.file(path, {"format": file_format}, name=f"customer-{customer_id}.{file_format}")


@page("privacy/people/<uuid:customer_id>/erase/", "privacy-erase")
def erase(office: WorkspaceContext, customer_id: UUID) -> HttpResponseBase:
    """Show what would be erased, and do so once it is confirmed by typing."""
    require_reauthentication(office.request)
    scope = "node" if office.request.GET.get("scope") == "node" else "workspace"
    path = f"{PROTECTION}/customers/{customer_id}"
    plan = office.get(f"{path}/erasure-plan", {"scope": scope})
    expected, names = str(customer_id)[-8:], node_names(office)
    if office.request.method == "POST":
        if office.request.POST.get("typed", "").strip().lower() != gettext(
            "erase {expected}"
        ).format(expected=expected):
            messages.error(
                office.request, gettext("This is not what stands above. Nothing has been done.")
            )
        else:
            query = {"scope": scope, "receipt": "true"}
            reply = office.api.write("DELETE", office.path + path, query=query)
            if office.done(reply, gettext("The person is erased. This is the receipt.")):
                return office.go("privacy-receipt", receipt_id=reply.json["id"])
    return office.show(
        "privacy_erase",
        gettext("Erase a person for good?"),
        plan=plan,
        scope=scope,
        customers=[
            each
            | {
                "node": names[each["nodeId"]],
                "why": REASONS.get(each["reason"], each["reason"]),
                "state": gettext("deleted") if each["deleted"] else gettext("there"),
                "counts": labelled_counts(each),
            }
            for each in plan["customers"]
        ],
        total=labelled_counts(plan),
        expected=gettext("erase {expected}").format(expected=expected),
        back=office.url("privacy-person", customer_id=customer_id),
    )


def _as_mapping(element: Any) -> dict[str, Any]:
    return element if isinstance(element, dict) else {"value": element}
