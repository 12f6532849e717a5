"""Saved searches of the list of customers: a person's own, and shared ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.pages.customer_query import list_search
from contacthub_project.admin.site import page
from contacthub_project.core.errors import Conflict
from contacthub_project.core.identifiers import as_uuid
from customers.actions.saved_searches import remove_search, save_search
from customers.models import SavedSearch

KEPT = ("node", "q", "rules", "segment", "column", "sort", "size")
LONGEST_NAME = 80
LONGEST_SEARCH = 30_000
MOST_OFFERED = 200


@dataclass(frozen=True, slots=True)
class OfferedSearch:
    """A saved search in the list; `may_remove` says whether the viewer may remove it.

    `segment_address` is where a segment is made of it.
    """

    id: str
    name: str
    address: str
    segment_address: str
    is_shared: bool
    may_remove: bool


def offered_searches(office: WorkspaceContext) -> list[OfferedSearch]:
    """Return the person's own and shared searches, by name."""
    saved = SavedSearch.objects.in_workspace(office.workspace_id).offered_to(office.user.id)
    return [
        OfferedSearch(
            str(each.id),
            each.name,
            office.url("customers", json.loads(each.parameters)),
            office.url("segment-of-search", json.loads(each.parameters)),
            each.is_shared,
            each.owner_id == office.user.id or _administers(office),
        )
        for each in saved[:MOST_OFFERED]
    ]


@page("customers/saved/", "saved-searches")
def saved_searches(office: WorkspaceContext) -> HttpResponseBase:
    """Save the search of the address under a name, or remove a saved one."""
    request = office.request
    parameters = _parameters(request.GET)
    if len(request.GET.urlencode()) > LONGEST_SEARCH or any(
        "\0" in each for values in parameters.values() for each in values
    ):
        messages.error(request, gettext("This search is too long to be kept."))
        return office.go("customers")
    if request.method == "POST" and request.POST.get("act") == "remove":
        _remove(office, request.POST.get("id", ""))
    elif request.method == "POST":
        _save(office, request.POST.get("name", "").strip(), parameters)
    return office.go("customers", parameters)


def _parameters(given: Any) -> dict[str, list[str]]:
    return {name: given.getlist(name) for name in KEPT if any(given.getlist(name))}


def _save(office: WorkspaceContext, name: str, parameters: dict[str, list[str]]) -> None:
    request = office.request
    if not 0 < len(name) <= LONGEST_NAME or "\0" in name:
        messages.error(
            request,
            gettext("Give the search a name of at most {longest_name} characters.").format(
                longest_name=LONGEST_NAME
            ),
        )
        return
    searched = list_search(request.GET)
    if searched.fault:
        messages.error(request, searched.fault)
        return
    if "rules" in parameters:  # without escapes, so that quoted people can be found
        parameters["rules"] = [json.dumps(searched.rules, ensure_ascii=False)]
    is_shared = request.POST.get("share") == "on"
    try:
        save_search(
            workspace_id=office.workspace_id,
            owner_id=office.user.id,
            name=name,
            is_shared=is_shared,
            parameters=parameters,
        )
    except Conflict as conflict:
        messages.error(
            request,
            gettext("The search is not kept: {conflict}. Remove one that is not used.").format(
                conflict=conflict
            ),
        )
        return
    messages.success(request, gettext("The search is kept as “{name}”.").format(name=name))


def _remove(office: WorkspaceContext, text: str) -> None:
    search_id = as_uuid(text)
    removed = search_id is not None and remove_search(
        workspace_id=office.workspace_id,
        search_id=search_id,
        owner_id=office.user.id,
        any_owner=_administers(office),
    )
    if not removed:
        messages.error(
            office.request, gettext("There is no such search, or somebody else has shared it.")
        )
        return
    messages.success(office.request, gettext("The search is removed."))


def _administers(office: WorkspaceContext) -> bool:
    """Return whether the person may remove searches that others share."""
    return office.may("PUT", "/configuration")
