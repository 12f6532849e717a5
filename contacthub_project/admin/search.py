"""The search box of every page (Ctrl-K): people of the workspace, and pages of the menu.

The theme's own keeps results for minutes in the cache, by person and text alone: they would outlive
a switch of workspaces, and somebody who is forgotten.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path

from configuration.models import Node
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.workspace import current_workspace
from contacthub_project.api.operations import contract
from contacthub_project.core.identifiers import as_uuid
from customers.models import Customer
from customers.queries.look_up import look_up

CUSTOMERS = "/customers"
SHORTEST = 2  # characters


def search(request: HttpRequest) -> HttpResponseBase:
    """Render the results of `s`, in the form that the theme's script expects."""
    text = request.GET.get("s", "").strip()
    if len(text) < SHORTEST:
        return HttpResponse()
    results = [*_people(request, text), *_pages(request, text)]
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
    office = current_workspace(request)
    if office is None or not office.may("GET", CUSTOMERS):
        return []
    roles = contract()["/workspaces/{workspaceId}" + CUSTOMERS]["GET"].roles
    nodes = Node.objects.in_workspace(office.workspace_id).readable_by(
        office.api.principal.acting_as(roles)
    )
    names = dict(nodes.values_list("id", "name"))
    return [
        _result(office, each, names[each.node_id])
        for each in look_up(office.workspace_id, list(names), text)
    ]


def _result(office: WorkspaceContext, customer: Customer, node_name: str) -> dict[str, Any]:
    base = customer.base
    name = " ".join(str(base[each]) for each in ("firstName", "lastName") if base.get(each))
    email = (base.get("contacts") or {}).get("email") or ""
    details = [node_name, email if name else "", customer.external_id or ""]
    return {
        "title": name or email or customer.external_id or str(customer.id),
        "description": " · ".join(each for each in details if each),
        "link": office.url("customer", customer_id=customer.id),
        "icon": "person",
    }


def _pages(request: HttpRequest, text: str) -> list[dict[str, Any]]:
    if as_uuid(text) is not None:
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
        if item["has_permission"] and text.lower() in str(item["title"]).lower()
    ]


urlpatterns = [path("admin/search/", admin.site.admin_view(search))]
