"""The page on which one change of a customer is undone, after a look at what that does."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.form_fields import number
from contacthub_project.admin.pages.identity import value_text
from contacthub_project.admin.person_name import display_name
from contacthub_project.admin.site import page
from customers.domain.paths import value_at


@page("customers/<uuid:customer_id>/undo-change/", "undo-change")
def undo_change(office: WorkspaceContext, customer_id: Any) -> HttpResponseBase:
    """Display what undoing the change of `?version=` would restore, and undo it."""
    person = office.get(f"/customers/{customer_id}")
    where = f"{office.path}/customers/{customer_id}"
    body = {"version": number(office.request.GET.get("version", ""))}
    if office.request.method == "POST":
        reply = office.api.write(
            "POST", f"{where}/undo", body,
            version=office.request.POST.get("version"), subject=where,
        )  # fmt: skip
        if office.done(reply, gettext("The change is undone.")):
            return office.go("identity", customer_id=customer_id)
    preview = office.api.call_dry("POST", f"{where}/undo", body)
    if not preview.is_good:
        return office.show(
            "refused", gettext("It cannot be undone"), status=preview.status,
            message=preview.message, faults=preview.faults,
            advice=gettext("Go back to the customer."),
        )  # fmt: skip
    answer = preview.json
    return office.show(
        "undo_change",
        gettext("Undo a change of %s?") % display_name(person),
        version=person["version"],
        restored=[_shown(path, person, answer["customer"]) for path in answer["restored"]],
        kept=[_label(path) for path in answer["kept"]],
        stricter=[_label(path) for path in answer["stricterConsents"]],
        back=office.url("identity", customer_id=customer_id),
    )


def _shown(path: str, now: dict[str, Any], then: dict[str, Any]) -> dict[str, str]:
    texts = [value_text(value_at(each, path)) for each in (now, then)]
    return {"label": _label(path), "now": texts[0], "then": texts[1]}


def _label(path: str) -> str:
    return path.removeprefix("base.").replace(".", " / ")
