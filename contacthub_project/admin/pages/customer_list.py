"""The list of customers: search, rules, columns, count, export."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext, gettext_lazy, ngettext

from analytics.admin.charts import localized
from contacthub_project.admin.api_client import Reply
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.pages.customer_query import ListSearch, list_search
from contacthub_project.admin.pages.saved_searches import offered_searches
from contacthub_project.admin.sign_in.reauthentication import ANY
from contacthub_project.admin.site import page
from contacthub_project.admin.time_zone import with_local_time
from customers.admin.rule_options import rule_options
from customers.domain.paths import value_at
from segments.queries.membership import segment_names

COLUMNS = {
    "base.firstName": gettext_lazy("First name"),
    "base.lastName": gettext_lazy("Last name"),
    "base.contacts.email": "E-mail",
    "base.contacts.mobilePhone": gettext_lazy("Mobile phone"),
    "externalId": gettext_lazy("External id"),
    "base.address.city": gettext_lazy("City"),
    "base.dob": gettext_lazy("Born"),
    "enabled": gettext_lazy("Enabled"),
    "registeredAt": gettext_lazy("Registered"),
    "updatedAt": gettext_lazy("Changed"),
}
SEGMENTS = "segments"  # a column of names, in no order
ALL_COLUMNS = COLUMNS | {SEGMENTS: gettext_lazy("Segments")}
USUAL_COLUMNS = (
    "base.firstName", "base.lastName", "base.contacts.email", "externalId", "updatedAt",
)  # fmt: skip
SIZES = (20, 50, 100)
MOST_COUNTED = 10_000
MOST_SEGMENTS = 50  # that are offered
MOST_CHANGED = 500  # at once: each is a write of its own; more are a bulk job's
CUSTOMER = "/customers/{customerId}"


@page("customers/", "customers")
def customers(office: WorkspaceContext) -> HttpResponseBase:
    """List the customers of a node, searched by words and rules, with selected columns."""
    parameters = office.request.GET
    node = office.node
    if node is None:
        return office.show(
            "empty",
            gettext("Customers"),
            message=gettext("There is no node that you may read yet."),
        )
    search, sort, columns = list_search(parameters), _sort(parameters), _columns(parameters)
    size = next((each for each in SIZES if str(each) == parameters.get("size")), SIZES[0])
    query = {"nodeId": node["id"], "size": size, "page": office.page_number} | search.parameters
    if sort:
        query["sort"] = sort
    reply = office.api.get(f"{office.path}/customers", query)
    found = reply.json if reply.is_good and not search.fault else {"elements": [], "page": None}
    return office.show(
        "customers",
        gettext("Customers"),
        node=node,
        fault=search.fault or ("" if reply.is_good else _sentence(reply)),
        size=size,
        sort=sort,
        **_table(office, found, columns),
        **_search_form(office, search),
        **_permissions(office, node),
        most_changed=MOST_CHANGED,
        offered=_offered(office, node["id"], search.segment),
    )


def _table(office: WorkspaceContext, found: dict[str, Any], columns: list[str]) -> dict[str, Any]:
    """Return a page of customers, the selected columns, and how many there are."""
    page = found["page"]
    return {
        "rows": _rows(office, found["elements"], columns),
        "page": page,
        "found": found_text(page) if page else "",
        "in_node": localized(page["totalUnfilteredElements"]) if page else "",
        "columns": [(column, ALL_COLUMNS[column]) for column in columns],
        "chosen": columns,
        "zone": office.zone,
    }


def _search_form(office: WorkspaceContext, search: ListSearch) -> dict[str, Any]:
    """Return what the search form offers, and what is entered in it."""
    parameters = office.request.GET
    return {
        "quick": parameters.get("q", ""),
        "rules": parameters.get("rules", "") if search.fault else json.dumps(search.rules),
        "has_rules": bool(search.rules["rules"] or search.fault),
        "query": "" if search.query is None else json.dumps(search.query, indent=1),
        "rule_options": rule_options(office.workspace_id),
        "searches": offered_searches(office),
        "all_columns": ALL_COLUMNS.items(),
        "orders": COLUMNS.items(),
        "segment": search.segment,
        "sizes": SIZES,
        "kept": office.kept,
    }


def _columns(parameters: Any) -> list[str]:
    """Return the columns that were chosen, or the usual ones."""
    return [each for each in parameters.getlist("column") if each in ALL_COLUMNS] or [
        *USUAL_COLUMNS
    ]


def _rows(
    office: WorkspaceContext, elements: list[dict[str, Any]], columns: list[str]
) -> list[tuple[dict[str, Any], list[str]]]:
    """Return customers with the texts of their cells."""
    names: dict[UUID, list[str]] = {}
    if SEGMENTS in columns:
        names = segment_names(office.workspace_id, [UUID(each["id"]) for each in elements])
    return [
        (
            each,
            [
                ", ".join(names.get(UUID(each["id"]), []))
                if column == SEGMENTS
                else _text(value_at(each, column))
                for column in columns
            ],
        )
        for each in elements
    ]


def _permissions(office: WorkspaceContext, node: dict[str, Any]) -> dict[str, bool]:
    """Return what may be done with the customers of a node; aggregate customers are read-only."""
    is_entry = node["type"] == "ENTRY"
    return {
        "may_change": is_entry and office.may("PATCH", CUSTOMER),
        "may_delete": is_entry and office.may("DELETE", CUSTOMER),
    }


@page("customers/count/", "count-customers")
def count_customers(office: WorkspaceContext) -> HttpResponseBase:
    """Answer how many customers the search and the rules of the form find, as JSON."""
    node, parameters = office.node, office.request.GET
    search = list_search(parameters)
    if search.fault or node is None:
        return JsonResponse(
            {"text": search.fault or gettext("There is no node that you may read yet.")}
        )
    query = {"nodeId": node["id"], "size": 1, "fields": "id"} | search.parameters
    reply = office.api.get(f"{office.path}/customers", query)
    if not reply.is_good:
        return JsonResponse({"text": _sentence(reply)})
    return JsonResponse(
        {
            "text": gettext("These find {found_text}.").format(
                found_text=found_text(reply.json["page"])
            )
        }
    )


@dataclass(frozen=True, slots=True)
class _Offered:
    """Segments of a node: those offered as filters, and static ones to put customers on."""

    segments: list[dict[str, Any]]
    lists: list[dict[str, Any]]


def _offered(office: WorkspaceContext, node_id: str, chosen: str) -> _Offered:
    """Return the first segments of a node by name, and the chosen one."""
    of_node = {"nodeId": node_id, "size": MOST_SEGMENTS}
    found = office.get("/segments", of_node)
    segments: list[dict[str, Any]] = found["elements"]
    lists = [each for each in segments if each["type"] == "STATIC"]
    if not office.may("POST", "/segments/{segmentId}/members"):
        lists = []
    elif found["page"]["totalElements"] > len(segments):
        lists = office.get("/segments", of_node | {"type": "STATIC"})["elements"]
    if chosen and all(each["id"] != chosen for each in segments):
        reply = office.api.get(f"{office.path}/segments/{chosen}")
        segments = [reply.json, *segments] if reply.is_good else segments
    return _Offered(segments, lists)


def found_text(page: dict[str, int]) -> str:
    """Return how many customers a search has found; those beyond the bound are not counted."""
    found, everybody = page["totalElements"], page["totalUnfilteredElements"]
    if found < everybody and found >= MOST_COUNTED:
        return gettext("{count} customers or more").format(count=localized(found))
    return ngettext("{count} customer", "{count} customers", found).format(count=localized(found))


def _sentence(reply: Reply) -> str:
    return " ".join([reply.message, *reply.faults.values()])


@page(
    "customers/export/",
    "export-customers",
    sensitive={ANY: gettext_lazy("You export all customers of a node as a file.")},
)
def export_customers(office: WorkspaceContext) -> HttpResponseBase:
    """Download the customers that the list shows as a CSV file that a bulk job can import.

    The address carries the list's own search, rules and order.
    """
    node, parameters = office.node, office.request.GET
    if office.request.method != "POST":
        return office.go("customers", {"node": node["id"]} if node else None)
    search = list_search(parameters)
    if search.fault:
        messages.error(office.request, search.fault)
        return office.go("customers", {"node": node["id"]} if node else None)
    sort = _sort(parameters)
    query = search.parameters | ({"sort": sort} if sort else {})
    return office.file(f"/nodes/{node['id'] if node else '-'}/export", query)


def _sort(parameters: Any) -> str:
    """Return the order of the list, as the API takes it; empty for the usual one."""
    field, _, direction = parameters.get("sort", "").partition(",")
    known = field in COLUMNS and direction in {"asc", "desc"}
    return f"{field},{direction}" if known else ""


def _text(value: Any) -> str:
    """Return a cell's text; moments in the workspace's time zone."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return with_local_time(value)
