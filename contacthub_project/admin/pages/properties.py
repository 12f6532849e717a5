"""Pages of the properties of customers: base and extended."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from contacthub_project.admin.context import CONFIGURATION, WorkspaceContext
from contacthub_project.admin.form_fields import forced
from contacthub_project.admin.site import page

EXTENDED_TYPES = ("string", "integer", "number", "boolean", "array")


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
        if office.done(
            reply,
            gettext("{name} is {state}.").format(
                name=name, state=gettext("on") if on else gettext("off")
            ),
        ):
            return office.go("properties")
    elif act in {"add", "remove"}:
        if act == "add" and form.get("name", "").strip() in extended:
            name = form["name"].strip()
            messages.error(
                office.request,
                gettext("There is a property {name} already. Nothing is changed.").format(
                    name=name
                ),
            )
        elif _change_extended(office, dict(extended)):
            return office.go("properties")
    base = office.get(CONFIGURATION + "/properties/base")["elements"]
    return office.show(
        "settings_properties",
        gettext("Properties"),
        base=[each | {"indent": range(each["name"].count(".")), "leaf": each["name"].split(".")[-1]}
              for each in base],
        extended=extended.items(),
        types=EXTENDED_TYPES,
        typed=form if act == "add" else {},
        policies=[each["id"] for each in office.get("/models/merge-policies")["elements"]],
        may_write=office.may("PUT", CONFIGURATION + "/properties/extended"),
    )  # fmt: skip


def _change_extended(office: WorkspaceContext, changed: dict[str, Any]) -> bool:
    """Add or remove the property that the form names; return whether the API did it."""
    form = office.request.POST
    if form.get("act") == "add":
        changed[form.get("name", "").strip()] = _definition(form)
    else:
        changed.pop(form.get("name", ""), None)
    path = f"{office.configuration}/properties/extended"
    reply = office.api.write("PUT", path, changed, query=forced(form))
    return office.done(reply, gettext("The properties are changed."))


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


@page("settings/properties/download/", "download-properties")
def download_properties(office: WorkspaceContext) -> HttpResponseBase:
    """Download the JSON Schema of the workspace's customers."""
    return office.file(CONFIGURATION + "/properties", name="customer-properties.json")
