"""Pages of the registers of data protection: requests, suppressions, deleted people."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.pages.customer_profile import display_name
from contacthub_project.admin.pages.privacy_display import (
    node_names,
)
from contacthub_project.admin.site import page
from contacthub_project.admin.time_zone import local_time

PROTECTION = "/data-protection"
SIZE = 50


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
