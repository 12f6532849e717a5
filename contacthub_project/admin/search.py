"""The search box of every page (Ctrl-K): people of the workspace, and pages of the menu.

The theme's own keeps results for minutes in the cache, by person and text alone, and what was
chosen in the browser: they would outlive a switch of workspaces, and somebody who is forgotten.
Before anything is typed, the customers that the person has opened last are shown, whose ids are in
the audit log.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path

from configuration.models import Node, StaffChange
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.workspace import current_workspace
from contacthub_project.api.operations import contract
from contacthub_project.core.identifiers import as_uuid
from contacthub_project.core.text import unaccented
from customers.models import Customer
from customers.queries.look_up import look_up

CUSTOMERS = "/customers"
SHORTEST = 2  # characters
MOST_RECENT = 8
MOST_VIEWS = 100  # that are looked through: many are of the same few


def search(request: HttpRequest) -> HttpResponseBase:
    """Render the results of `s`, in the form that the theme's script expects.

    Without a text, the person's last results.
    """
    text = request.GET.get("s", "").strip()
    results = [*_people(request, text), *_pages(request, text)]
    if not results and len(text) < SHORTEST:
        return HttpResponse()
    page = Paginator(results, max(len(results), 1))
    context = {
        "results": page.page(1),
        "page_obj": page,
        "page_counter": 0,
        "execution_time": 0,
        "command_show_history": False,
    }
    headers = {"HX-Trigger": "search"}
    return TemplateResponse(
        request, "unfold/helpers/command_results.html", context, headers=headers
    )


def _people(request: HttpRequest, text: str) -> list[dict[str, Any]]:
    """Return the customers that match the text; those opened last without one."""
    office = current_workspace(request)
    if office is None or not office.may("GET", CUSTOMERS):
        return []
    roles = contract()["/workspaces/{workspaceId}" + CUSTOMERS]["GET"].roles
    nodes = Node.objects.in_workspace(office.workspace_id).readable_by(
        office.api.principal.acting_as(roles)
    )
    names = dict(nodes.values_list("id", "name"))
    if not text:
        found, icon = _opened_last(office, list(names)), "history"
    else:
        long_enough = len(text) >= SHORTEST
        found = look_up(office.workspace_id, list(names), text) if long_enough else []
        icon = "person"
    return [_result(office, each, names[each.node_id], icon) for each in found]


def _opened_last(office: WorkspaceContext, node_ids: list[UUID]) -> list[Customer]:
    """Return the customers that the person has opened last, the latest first."""
    views = StaffChange.objects.in_workspace(office.workspace_id).views_of(office.user)
    ids = list(dict.fromkeys(views.values_list("customer_id", flat=True)[:MOST_VIEWS]))
    customers = Customer.objects.in_workspace(office.workspace_id).live()
    known = customers.filter(node_id__in=node_ids).in_bulk(ids, field_name="id")
    return [known[each] for each in ids if each in known][:MOST_RECENT]


def _result(
    office: WorkspaceContext, customer: Customer, node_name: str, icon: str
) -> dict[str, Any]:
    base = customer.base
    name = " ".join(str(base[each]) for each in ("firstName", "lastName") if base.get(each))
    email = (base.get("contacts") or {}).get("email") or ""
    details = [node_name, email if name else "", customer.external_id or ""]
    return {
        "title": name or email or customer.external_id or str(customer.id),
        "description": " · ".join(each for each in details if each),
        "link": office.url("customer", customer_id=customer.id),
        "icon": icon,
    }


def _pages(request: HttpRequest, text: str) -> list[dict[str, Any]]:
    if len(text) < SHORTEST or as_uuid(text) is not None:
        return []
    groups = admin.site.each_context(request)["sidebar_navigation"]
    return [
        {
            "title": item["title"],
            "description": group["title"],
            "link": str(item.get("link_callback") or item["link"]),
            "icon": item["icon"],
        }
        for group in groups
        for item in group["items"]
        if item["has_permission"] and unaccented(text) in unaccented(str(item["title"]))
    ]


urlpatterns = [path("admin/search/", admin.site.admin_view(search))]
