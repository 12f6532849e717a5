"""Pages of duplicates, merges, their undoing, and the origin of a customer's values."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from django.utils.translation import gettext, gettext_lazy

from contacthub_project.admin.audit import record_view
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.form_fields import labelled_values
from contacthub_project.admin.person_name import display_name
from contacthub_project.admin.site import page
from contacthub_project.admin.time_zone import local_time, with_local_time
from customers.domain.paths import value_at

PAGE = 20
REASONS = {
    "SAME_IDENTITY": gettext_lazy("equal by a matching rule"),
    "SAME_EMAIL": gettext_lazy("same e-mail"),
    "SAME_MAILBOX_NAME": gettext_lazy("same name before the @"),
    "SAME_PHONE": gettext_lazy("same phone"),
    "SAME_EXTERNAL_ID": gettext_lazy("same external id"),
    "SAME_NAME": gettext_lazy("same name"),
    "SIMILAR_NAME": gettext_lazy("similar name"),
    "SAME_BIRTHDAY": gettext_lazy("same birthday"),
    "SAME_ZIP": gettext_lazy("same zip"),
}
RULES = {
    "SURVIVOR": gettext_lazy("its own"),
    "FILLED": gettext_lazy("it had none"),
    "UNITED": "both",
    "LATEST": gettext_lazy("decided last"),
    "CHOSEN": "chosen",
}
CAUSES = {
    "POST": gettext_lazy("a POST"),
    "PATCH": gettext_lazy("a change"),
    "PUT": gettext_lazy("a replacement"),
    "IMPORT": gettext_lazy("a file"),
    "MERGE": gettext_lazy("a merge"),
    "UNDO": gettext_lazy("an undoing"),
    "DELETE": gettext_lazy("a deletion"),
    "RESTORE": gettext_lazy("a restoration"),
}
MERGE = "/customers/{customerId}/merge"
UNDO_CHANGE = "/customers/{customerId}/undo"


@page("duplicates/", "duplicates")
def duplicates(office: WorkspaceContext) -> HttpResponseBase:
    """List pairs of customers of a node that may be the same person; dismiss them."""
    node = office.node
    if node is None:
        return office.show(
            "empty",
            gettext("Duplicates"),
            message=gettext("There is no node that you may read yet."),
        )
    path = f"{office.path}/nodes/{node['id']}/duplicates"
    if office.request.method == "POST":
        _dismiss(office, path)
        return office.go("duplicates", office.request.GET.dict())
    state = "DISMISSED" if office.request.GET.get("state") == "DISMISSED" else "OPEN"
    query = {"state": state, "size": PAGE, "page": office.page_number}
    reply = office.api.get(path, query)
    found = reply.json if reply.is_good else {"elements": [], "page": None, "search": "OFF"}
    return office.show(
        "duplicates",
        gettext("Duplicates"),
        node=node,
        pairs=[_pair_for_page(each) for each in found["elements"]],
        page=found["page"],
        search=found["search"],
        state=state,
        kept=office.kept,
        may_write=office.may("POST", MERGE),
        fault="" if reply.is_good else reply.message,
    )


def _dismiss(office: WorkspaceContext, path: str) -> None:
    act = "reopen" if office.request.POST.get("act") == "reopen" else "dismiss"
    pair = office.request.POST.get("pair", "")
    message = (
        gettext("The pair is on the list again.")
        if act == "reopen"
        else gettext("The pair is dismissed.")
    )
    office.done(office.api.write("POST", f"{path}/{pair}/{act}", {}), message)


def _pair_for_page(pair: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": pair["id"],
        "people": [
            {"id": each["id"], "name": display_name(each), "email": _email(each)}
            for each in pair["customers"]
        ],
        "percent": round(pair["score"] * 100),
        "reasons": [REASONS.get(each, each) for each in pair["reasons"]],
        "others": max(0, len(pair["group"]) - 2),
    }


@page("customers/<uuid:customer_id>/merge/<uuid:other_id>/", "merge-customers")
def merge_customers(office: WorkspaceContext, customer_id: Any, other_id: Any) -> HttpResponseBase:
    """Display two customers side by side, and merge them with the chosen values."""
    both = [office.get(f"/customers/{each}") for each in (customer_id, other_id)]
    if office.request.method == "GET":
        for each in (customer_id, other_id):
            record_view(office, each)
    path = f"{office.path}/customers/{customer_id}/merge"
    body: dict[str, Any] = {"customers": [str(other_id)]}
    chosen = {
        name.removeprefix("value:"): str(value)
        for name, value in office.request.POST.items()
        if name.startswith("value:") and value
    }
    if office.request.method == "POST":
        reply = office.api.write(
            "POST", path, body | {"values": chosen}, version=office.request.POST.get("version"),
            subject=f"{office.path}/customers/{customer_id}",
        )  # fmt: skip
        if office.done(reply, gettext("The two are one. It can be undone on the page Identity.")):
            return office.go("identity", customer_id=customer_id)
    preview = office.api.call_dry("POST", path, body)
    if not preview.is_good:
        return office.show(
            "refused",
            gettext("They cannot be merged"),
            status=preview.status,
            message=preview.message,
            faults=preview.faults,
            advice=gettext("Go back to the list."),
        )
    survivor, other = both
    rows = [_compared(each, survivor["id"], both, chosen) for each in preview.json["values"]]
    return office.show(
        "merge",
        gettext("Merge {display_name} and {display_name2}").format(
            display_name=display_name(survivor), display_name2=display_name(other)
        ),
        survivor=survivor,
        other=other,
        names=_distinct_names(both),
        differing=[each for each in rows if each["differs"]],
        same=[each for each in rows if not each["differs"]],
        moved=preview.json["moved"],
        version=survivor["version"],
    )


def _compared(
    value: dict[str, Any], survivor_id: str, both: list[dict[str, Any]], chosen: dict[str, str]
) -> dict[str, Any]:
    """Return a row of the comparison: the values of both, and the result."""
    texts = [value_text(value_at(each, value["path"])) for each in both]
    is_consent = value["path"].startswith("consents.")
    return {
        "path": value["path"],
        "label": value["path"].removeprefix("base.").replace(".", " / "),
        "cells": [
            {
                "id": person["id"],
                "text": text,
                "is_checked": chosen.get(value["path"]) == person["id"],
            }
            for person, text in zip(both, texts, strict=True)
        ],
        "differs": texts[0] != texts[1],
        "holds": value_text(value["value"]),
        "rule": RULES.get(value["rule"], value["rule"]),
        "is_ours": value["customerId"] == survivor_id,
        "is_chosen": value["path"] in chosen,
        "may_choose": not is_consent and texts[0] != texts[1],
    }


@page("customers/<uuid:customer_id>/identity/", "identity")
def identity(office: WorkspaceContext, customer_id: Any) -> HttpResponseBase:
    """Display the identities of a customer, its merges, and the history of each value."""
    person = office.get(f"/customers/{customer_id}")
    record_view(office, customer_id)
    known = office.get(f"/customers/{customer_id}/identities")
    property_filter = office.request.GET.get("property", "").strip()
    history = office.get(
        f"/customers/{customer_id}/history",
        {"property": property_filter} if property_filter else None,
    )
    merges = office.get("/merges", {"customerId": str(customer_id), "size": PAGE})
    pairs = office.api.get(
        f"{office.path}/nodes/{person['nodeId']}/duplicates", {"customerId": str(customer_id)}
    )
    return office.show(
        "identity",
        gettext("Identity of {display_name}").format(display_name=display_name(person)),
        person=person,
        known=known,
        external_ids=[_with_time(each, office) for each in known["externalIds"]],
        sessions=[_with_time(each, office) for each in known["sessions"]],
        merges=[
            each | {name: local_time(each[name], office.zone) for name in ("mergedAt", "undoneAt")}
            for each in merges["elements"]
        ],
        pairs=[_pair_for_page(each) for each in (pairs.json["elements"] if pairs.is_good else [])],
        history=history,
        properties=[_history_for_page(each, office) for each in history["properties"]],
        property_filter=property_filter,
        may_write=office.may("POST", MERGE),
        may_undo=office.may("POST", UNDO_CHANGE) and office.may_write_in(person["nodeId"]),
        back=office.url("customer", customer_id=customer_id),
    )


def _history_for_page(history: dict[str, Any], office: WorkspaceContext) -> dict[str, Any]:
    return history | {
        "label": history["property"].removeprefix("base.").replace(".", " / "),
        "text": value_text(history["value"]),
        "since": local_time(history["since"], office.zone),
        "why": RULES.get(history["rule"] or "", history["rule"] or ""),
        "how": CAUSES.get(history["cause"] or "", ""),
        "before": [
            {
                "text": value_text(each["before"]),
                "at": local_time(each["at"], office.zone),
                "how": CAUSES.get(each["cause"], each["cause"]),
                "author": each["author"],
                "version": each["version"],
                "is_merge": each["cause"] == "MERGE",
            }
            for each in history["changes"]
        ],
    }


@page("merges/<uuid:merge_id>/undo/", "undo-merge")
def undo_merge(office: WorkspaceContext, merge_id: Any) -> HttpResponseBase:
    """Display what undoing a merge would restore, and undo it."""
    merge = office.get(f"/merges/{merge_id}")
    path = f"{office.path}/merges/{merge_id}/undo"
    back = office.url("identity", customer_id=merge["survivorId"])
    if office.request.method == "POST":
        reply = office.api.write("POST", path, {})
        if office.done(reply, gettext("They are separate again.")):
            return office.go("identity", customer_id=merge["survivorId"])
    preview = office.api.call_dry("POST", path, {})
    if not preview.is_good:
        return office.show(
            "refused",
            gettext("It cannot be undone"),
            status=preview.status,
            message=preview.message,
            faults=preview.faults,
            advice=gettext("Go back to the customer."),
        )
    answer = preview.json
    given = {each["customerId"]: each for each in answer["given"]}
    return office.show(
        "undo_merge",
        gettext("Separate these customers?"),
        survivor=display_name(answer["survivor"]),
        people=[
            given[each["id"]]
            | {
                "name": display_name(each),
                "email": _email(each),
                "total": given[each["id"]]["events"] + given[each["id"]]["laterEvents"],
            }
            for each in answer["customers"]
        ],
        back=back,
    )


def _distinct_names(people: list[dict[str, Any]]) -> list[str]:
    """Return the names of people, with their e-mail addresses where the names are the same."""
    names = [display_name(each) for each in people]
    if len(set(names)) == len(names):
        return names
    return [
        f"{name} ({_email(each) or each['id']})" for name, each in zip(names, people, strict=True)
    ]


def _with_time(known: dict[str, Any], office: WorkspaceContext) -> dict[str, Any]:
    return known | {"since": local_time(known["since"], office.zone)}


def _email(person: dict[str, Any]) -> str:
    return ((person["base"] or {}).get("contacts") or {}).get("email") or ""


def value_text(value: Any) -> str:
    """Return a value as one line, without empty parts."""
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return ", ".join(filter(None, map(value_text, value)))
    if isinstance(value, dict):
        return ", ".join(text for _, text in labelled_values(value) if text)
    return with_local_time(value)
