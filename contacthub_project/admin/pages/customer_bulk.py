"""Bulk actions on the list of customers: tags and deletion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext

from analytics.admin.charts import localized
from contacthub_project.admin.api_client import Reply
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.pages.customer_list import MOST_CHANGED
from contacthub_project.admin.pages.customer_query import (
    EVERYBODY,
    list_search,
    parameters_of_ids,
)
from contacthub_project.admin.refusals import advice
from contacthub_project.admin.site import page
from contacthub_project.core.identifiers import as_uuid

CHUNK = 100
LONGEST_TAG = 255
NOBODY = UUID(int=0)  # no list is chosen
TAGGING = {"add-tag", "remove-tag"}
LISTING = {"add-to-list", "take-from-list", "list-everybody"}
ACTS = {*TAGGING, *LISTING, "delete"}

Customer = dict[str, Any]


@page("customers/bulk/", "bulk-customers")
def change_customers(office: WorkspaceContext) -> HttpResponseBase:
    """Tag, untag, list or delete the customers that are ticked, or all that the search finds.

    The address carries the list's own search. Deletion asks for the number of customers.
    """
    request, node = office.request, office.node
    act, tag = request.POST.get("act", ""), request.POST.get("tag", "").strip()
    if request.method != "POST" or node is None or act not in ACTS:
        return _back(office)
    if act in TAGGING and not 0 < len(tag) <= LONGEST_TAG:
        messages.error(
            request,
            gettext("Write the tag, of at most {longest_tag} characters.").format(
                longest_tag=LONGEST_TAG
            ),
        )
        return _back(office)
    if act == "list-everybody":
        return _list_everybody(office)
    customers = _chosen(office, node["id"])
    if not customers:
        return _back(office)
    if act == "delete":
        return _delete(office, customers)
    if act in LISTING:
        return _list(office, customers, adds=act == "add-to-list")
    done = (
        gettext("{count} of the customers have the tag now.")
        if act == "add-tag"
        else gettext("{count} of the customers do not have the tag any more.")
    )
    _report_results(office, _retag(office, customers, tag, adds=act == "add-tag"), done)
    return _back(office)


def _chosen(office: WorkspaceContext, node_id: str) -> list[Customer]:
    """Return the customers that the form names, as they are now; a message says why none."""
    form = office.request.POST
    if form.get("everybody") == "on":
        searched = list_search(office.request.GET)
        if searched.fault:
            messages.error(office.request, searched.fault)
            return []
        search = searched.parameters
    else:
        ids = [str(each) for each in map(as_uuid, form.getlist("id")) if each is not None]
        if not ids:
            messages.error(office.request, gettext("Nobody is ticked. Nothing has been done."))
            return []
        search = parameters_of_ids(ids[:MOST_CHANGED])
    found: list[Customer] = []
    for reply in _pages(office, node_id, search):
        if not reply.is_good:
            messages.error(office.request, reply.message)
            return []
        total = reply.json["page"]["totalElements"]
        if total > MOST_CHANGED:
            messages.error(
                office.request,
                gettext(
                    "These are {total}; at most {most_changed} are changed at once."
                    " Narrow the search, or use a bulk job."
                ).format(total=localized(total), most_changed=MOST_CHANGED),
            )
            return []
        found += reply.json["elements"]
    return found


def _pages(office: WorkspaceContext, node_id: str, search: dict[str, str]) -> Iterator[Reply]:
    """Yield the pages of a search by its parameters, until one has failed or is the last."""
    query = {"nodeId": node_id, "size": CHUNK, "sort": "registeredAt,asc"} | search
    for number in range(MOST_CHANGED // CHUNK):
        reply = office.api.get(f"{office.path}/customers", query | {"page": number})
        yield reply
        if not reply.is_good or (number + 1) * CHUNK >= reply.json["page"]["totalElements"]:
            return


def _retag(
    office: WorkspaceContext, customers: Sequence[Customer], tag: str, *, adds: bool
) -> Iterator[Reply | None]:
    """Yield the reply for each customer, None where there was nothing to change."""
    for customer in customers:
        tags = list((customer.get("tags") or {}).get("manual") or [])
        if (tag in tags) == adds:
            yield None
            continue
        changed = [*tags, tag] if adds else [each for each in tags if each != tag]
        yield office.api.write(
            "PATCH",
            f"{office.path}/customers/{customer['id']}",
            {"tags": {"manual": changed}},
            version=customer["version"],
        )


def _list(
    office: WorkspaceContext, customers: Sequence[Customer], *, adds: bool
) -> HttpResponseBase:
    """Put customers on the chosen list, or take them from it."""
    ids = [each["id"] for each in customers]
    reply = _change_list(office, {"add" if adds else "remove": ids})
    count = reply.json.get("added" if adds else "removed")
    office.done(
        reply,
        gettext("{count} are new on the list.").format(count=localized(count or 0))
        if adds
        else gettext("{count} are off the list.").format(count=localized(count or 0)),
    )
    return _back(office)


def _list_everybody(office: WorkspaceContext) -> HttpResponseBase:
    """Put all whom the search finds at this moment on the chosen list, however many they are."""
    searched = list_search(office.request.GET)
    if searched.fault:
        messages.error(office.request, searched.fault)
        return _back(office)
    reply = _change_list(office, {"query": searched.query or EVERYBODY})
    office.done(
        reply,
        gettext("{count} are new on the list.").format(
            count=localized(reply.json.get("added") or 0)
        ),
    )
    return _back(office)


def _change_list(office: WorkspaceContext, body: dict[str, Any]) -> Reply:
    chosen = as_uuid(office.request.POST.get("list", "")) or NOBODY
    return office.api.write("POST", f"{office.path}/segments/{chosen}/members", body)


def _delete(office: WorkspaceContext, customers: Sequence[Customer]) -> HttpResponseBase:
    """Delete customers once their number has been typed; ask for it before."""
    expected, fault = str(len(customers)), ""
    typed = office.request.POST.get("typed")
    if typed is not None and typed.strip() == expected:
        replies = (
            office.api.write("DELETE", f"{office.path}/customers/{each['id']}")
            for each in customers
        )
        _report_results(office, replies, gettext("{count} of the customers are deleted."))
        return _back(office)
    if typed is not None:
        fault = gettext("This is not the number that stands above. Nothing has been done.")
    return office.show(
        "confirm",
        ngettext("Delete {count} customer?", "Delete {count} customers?", len(customers)).format(
            count=expected
        ),
        what=gettext(
            "They and all their events go out of every list. They can be restored until the days"
            " are over that the workspace keeps deleted customers."
        ),
        action=ngettext(
            "Delete {count} customer", "Delete {count} customers", len(customers)
        ).format(count=expected),
        typed=expected,
        fault=fault,
        kept_fields=[("act", "delete"), *(("id", each["id"]) for each in customers)],
        back=_address(office),
    )


def _report_results(office: WorkspaceContext, replies: Iterator[Reply | None], done: str) -> None:
    """Carry the changes out, and show how many succeeded and why others did not.

    When the workspace's limit of requests is used up, those left over are not tried.
    """
    good, refused, first = 0, Counter[str](), dict[str, Reply]()
    for reply in replies:
        if reply is None or reply.is_good:
            good += 1
            continue
        refused[reply.message] += 1
        first.setdefault(reply.message, reply)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            break
    if good:
        messages.success(office.request, done.format(count=localized(good)))
    for message, number in refused.items():
        text = gettext("{count} could not be changed: {message}").format(
            count=localized(number), message=message
        )
        messages.error(office.request, format_html("{} {}", text, advice(office, first[message])))


def _address(office: WorkspaceContext) -> str:
    query = office.request.GET.urlencode()
    return office.url("customers") + (f"?{query}" if query else "")


def _back(office: WorkspaceContext) -> HttpResponseBase:
    """Return to the list with its search and page."""
    return HttpResponseRedirect(_address(office))
