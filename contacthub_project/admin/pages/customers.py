"""Pages that create, edit and delete a customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from configuration.domain.customer_schema import SECRET
from contacthub_project.admin.api_client import Reply
from contacthub_project.admin.audit import record_view
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.form_documents import as_typed, changes, filled, texts, touched
from contacthub_project.admin.form_fields import Field, fields_of
from contacthub_project.admin.form_sections import problems, with_faults
from contacthub_project.admin.pages.customer_form import customer_sections
from contacthub_project.admin.pages.customer_query import known_customer
from contacthub_project.admin.person_name import display_name
from contacthub_project.admin.site import page


@page("customers/new/", "new-customer")
def new_customer(office: WorkspaceContext) -> HttpResponseBase:
    """Create a customer, by a form generated from the workspace's schema.

    Whoever the node knows already is shown first; only the button that names them merges.
    """
    request, node = office.request, office.node
    fields = _fields(office)
    faults: dict[str, str] = {}
    known: dict[str, Any] | None = None
    if request.method == "POST" and node is not None:
        body, faults = changes(fields, request.POST)
        if not faults:
            body |= {"nodeId": node["id"]}
            known = known_customer(office, node["id"], body)
            if known is None or request.POST.get("merge") == known["id"]:
                reply = _create(office, body, known)
                message = (
                    gettext("The customer is there.")
                    if known is None
                    else gettext("The two are merged.")
                )
                if office.done(reply, message):
                    return office.go("customer", customer_id=reply.json["id"])
                faults = reply.faults
        fields = as_typed(fields, request.POST)
    sections = customer_sections(with_faults(fields, faults))
    return office.show(
        "customer_form",
        gettext("New customer"),
        sections=sections,
        problems=problems(sections, faults),
        node=node,
        customer=None,
        known=known,
        known_name=display_name(known) if known else "",
        back=office.url("customers"),
    )


def _create(office: WorkspaceContext, body: dict[str, Any], known: Any) -> Reply:
    """Send a new customer; the audit log has whom it is merged into, as they were before."""
    subject = None if known is None else f"{office.path}/customers/{known['id']}"
    return office.api.write("POST", f"{office.path}/customers", body, subject=subject)


@page("customers/<uuid:customer_id>/edit/", "edit-customer")
def edit_customer(office: WorkspaceContext, customer_id: Any) -> HttpResponseBase:
    """Change a customer, by the same form.

    The version that the form was filled from is sent along, so that a change made meanwhile by
    somebody else is refused instead of overwritten.
    """
    request = office.request
    person = office.get(f"/customers/{customer_id}")
    if request.method == "GET":
        record_view(office, customer_id)
    fields = filled(_fields(office), person)
    faults: dict[str, str] = {}
    version = person["version"]
    differences: list[tuple[str, str, str]] = []
    if request.method == "POST":
        form = touched(fields, request.POST, request.POST.get("was", ""))
        body, faults = changes(fields, form)
        version = request.POST.get("version")
        if not faults:
            path = f"{office.path}/customers/{customer_id}"
            reply = office.api.write("PATCH", path, body, version=version)
            if office.done(reply, gettext("Your changes are kept.")):
                return office.go("customer", customer_id=customer_id)
            faults = reply.faults
            if reply.status == HTTPStatus.PRECONDITION_FAILED:
                person = office.get(f"/customers/{customer_id}")
                fields, version = filled(fields, person), person["version"]
                differences = _differences(fields, form)
        was, fields = texts(fields), as_typed(fields, form)
    else:
        was = texts(fields)
    sections = customer_sections(with_faults(fields, faults))
    return office.show(
        "customer_form",
        gettext("Edit {display_name}").format(display_name=display_name(person)),
        sections=sections,
        problems=problems(sections, faults),
        differences=differences,
        customer=person,
        back=office.url("customer", customer_id=customer_id),
        version=version,
        was=was,
    )


def _differences(fields: list[Field], form: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return label, saved text and typed text of what a form would change."""
    found = []
    for each in fields:
        if each.path not in form or each.kind == "password" or not changes([each], form)[0]:
            continue
        if each.kind == "rows":
            [typed] = as_typed([each], form)
            found.append(
                (
                    each.label,
                    gettext("{len} rows").format(len=len(each.rows)),
                    gettext("{len} rows").format(len=len(typed.rows)),
                )
            )
        else:
            found.append((each.label, each.text, form[each.path]))
    return found


@page("customers/<uuid:customer_id>/delete/", "delete-customer")
def delete_customer(office: WorkspaceContext, customer_id: Any) -> HttpResponseBase:
    """Delete a customer with its events, after a confirmation."""
    person = office.get(f"/customers/{customer_id}")
    if office.request.method == "POST":
        reply = office.api.write("DELETE", f"{office.path}/customers/{customer_id}")
        if office.done(
            reply, gettext("{display_name} is deleted.").format(display_name=display_name(person))
        ):
            return office.go("customers", {"node": person["nodeId"]})
    return office.show(
        "confirm",
        gettext("Delete {display_name}?").format(display_name=display_name(person)),
        what=gettext(
            "The customer and all events go out of every list. They can be restored until the days"
            " are over that the workspace keeps deleted customers."
        ),
        action=gettext("Delete"),
        back=office.url("customer", customer_id=customer_id),
    )


def _fields(office: WorkspaceContext) -> list[Field]:
    schema = office.get("/configuration/properties")
    return [
        replace(each, kind="password") if each.path in SECRET else each
        for each in fields_of(schema)
        if each.path not in {"nodeId", "id"}
    ]
