"""Customers: the list, the card, and everything that is done to one person."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any
from urllib.parse import urlsplit

from csp.decorators import csp_replace
from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host
from django.http.response import HttpResponseBase

from contacthub_project.admin.audit import record_change
from contacthub_project.admin.form_fields import (
    Field,
    as_typed,
    changes,
    fields_of,
    filled,
    grouped,
    shown,
)
from contacthub_project.admin.sign_in.reauthentication import ANY, require_proof
from contacthub_project.admin.site import WorkspaceContext, page
from contacthub_project.core.addresses import web_origin

COLUMNS = {
    "base.firstName": "First name",
    "base.lastName": "Last name",
    "base.contacts.email": "E-mail",
    "base.contacts.mobilePhone": "Mobile phone",
    "externalId": "External id",
    "base.address.city": "City",
    "base.dob": "Born",
    "enabled": "Enabled",
    "registeredAt": "Registered",
    "updatedAt": "Changed",
}
USUAL_COLUMNS = (
    "base.firstName", "base.lastName", "base.contacts.email", "externalId", "updatedAt",
)  # fmt: skip
SIZES = (20, 50, 100)
OPERATORS = {
    "EQUALS": "is",
    "NOT_EQUALS": "is not",
    "IN": "contains",
    "GTE": "is at least",
    "LTE": "is at most",
    "IS_NULL": "has no value",
    "IS_NOT_NULL": "has a value",
}
MOST_RULES = 10
WHOLE = re.compile(r"-?[0-9]{1,18}")
SEARCHED = (
    "base.firstName", "base.lastName", "base.contacts.email", "base.contacts.mobilePhone",
    "externalId",
)  # fmt: skip
EVENTS_AT_A_TIME = 20


@page("customers/", "customers")
def customers(office: WorkspaceContext) -> HttpResponseBase:
    """The people of a node: searched quickly, by rules, with columns of one's choice."""
    asked = office.request.GET
    node = office.node
    if node is None:
        return office.show("empty", "Customers", message="There is no node that you may read yet.")
    rules = _rules(asked)
    query = _query(asked.get("q", ""), rules, match=asked.get("match", "all"))
    size = next((each for each in SIZES if str(each) == asked.get("size")), SIZES[0])
    number = office.page_number
    columns = [each for each in asked.getlist("column") if each in COLUMNS] or list(USUAL_COLUMNS)
    wanted: dict[str, Any] = {"nodeId": node["id"], "size": size, "page": number}
    if query is not None:
        wanted["query"] = json.dumps(query)
    sort = asked.get("sort", "")
    if sort.partition(",")[0] in COLUMNS:
        wanted["sort"] = sort
    reply = office.api.get(f"{office.path}/customers", wanted)
    found = reply.json if reply.is_good else {"elements": [], "page": None}
    rows = [(each, [_text(_at(each, column)) for column in columns]) for each in found["elements"]]
    return office.show(
        "customers",
        "Customers",
        node=node,
        rows=rows,
        page=found["page"],
        columns=[(column, COLUMNS[column]) for column in columns],
        all_columns=COLUMNS.items(),
        chosen=columns,
        rules=[*rules, ("", "EQUALS", "")] if asked.get("add") or not rules else rules,
        operators=OPERATORS.items(),
        attributes=_attributes(office),
        match=asked.get("match", "all"),
        quick=asked.get("q", ""),
        query=json.dumps(query, indent=1) if query is not None else "",
        sizes=SIZES,
        size=size,
        kept=office.kept,
        fault="" if reply.is_good else " ".join([reply.message, *reply.faults.values()]),
    )


@page(
    "customers/export/",
    "export-customers",
    sensitive={ANY: "You export all customers of a node as a file."},
)
def export_customers(office: WorkspaceContext) -> HttpResponseBase:
    """All people of a node as a CSV file that a bulk job takes in again."""
    node = office.node
    if office.request.method != "POST":
        return office.go("customers", {"node": node["id"]} if node else None)
    return office.file(f"/nodes/{node['id'] if node else '-'}/export")


@page("customers/new/", "new-customer")
def new_customer(office: WorkspaceContext) -> HttpResponseBase:
    """A form made from the workspace's schema."""
    request, node = office.request, office.node
    fields = _fields(office)
    faults: dict[str, str] = {}
    if request.method == "POST" and node is not None:
        body, faults = changes(fields, request.POST)
        if not faults:
            body |= {"nodeId": node["id"]}
            reply = office.api.write("POST", f"{office.path}/customers", body)
            if office.done(reply, "The customer is there."):
                return office.go("customer", customer_id=reply.json["id"])
            faults = reply.faults
        fields = as_typed(fields, request.POST)
    return office.show(
        "customer_form",
        "New customer",
        groups=grouped(fields, faults),
        node=node,
        customer=None,
        back=office.url("customers"),
    )


@page("customers/<uuid:customer_id>/", "customer")
def customer(office: WorkspaceContext, customer_id: Any) -> HttpResponseBase:
    """One person: what is known, what they agreed to, what they did."""
    person = office.get(f"/customers/{customer_id}")
    picture = _picture(office.request, person["base"])
    shown_page = office.show(
        "customer",
        _name(person),
        person=person,
        name=_name(person),
        picture=picture[0] if picture else "",
        node_name=office.node_name(person["nodeId"]),
        **_profile(person),
        **_related(office, customer_id),
        may_forget=office.may("DELETE", "/data-protection/customers/{customerId}"),
        may_export=office.may("GET", "/data-protection/customers/{customerId}/export"),
        may_edit=office.may("PATCH", "/customers/{customerId}"),
        may_delete=office.may("DELETE", "/customers/{customerId}"),
    )
    if picture is None:
        return shown_page
    # From its own site alone, wherever that redirects to.
    policy = csp_replace({"img-src": ["data:", picture[1]]})
    return policy(lambda _: shown_page)(office.request)


def _profile(person: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of the customer's own document."""
    base = dict(person["base"])
    subscriptions = base.pop("subscriptions", None) or []
    tags, source_info = person["tags"] or {}, person.get("sourceInfo") or {}
    return {
        "details": _sections(base),
        "extended": list(shown(person["extended"] or {})),
        "tags": [*tags.get("auto", []), *tags.get("manual", [])],
        "consents": list(shown(person["consents"] or {})),
        "subscriptions": [list(shown(each)) for each in subscriptions],
        "sources": {
            "Registered by": source_info.get("registeredBy"),
            "Changed last by": source_info.get("updatedBy"),
        },
    }


def _related(office: WorkspaceContext, customer_id: Any) -> dict[str, Any]:
    """What the page shows beside: members, consent log, sessions and statistics.

    What the person at the page may not read is left out.
    """
    path = f"{office.path}/customers/{customer_id}"
    members = office.api.get(f"{path}/entry-customers", {"page": 0, "size": 50})
    logs = office.api.get(
        f"{office.path}/consent-logs", {"customerId": str(customer_id), "size": 50}
    )
    distribution = office.api.get(f"{path}/stats/event-category-distribution", {"mode": "MONTHLY"})
    buying = office.api.get(f"{path}/stats/buying-behaviors")
    sessions = office.api.get(f"{path}/sessions")
    counts = distribution.json["data"] if distribution.is_good else []
    return {
        "members": members.json["elements"] if members.is_good else [],
        "consent_log": logs.json["elements"] if logs.is_good else None,
        "summary": _summary(counts),
        "types": _types_of(counts),
        "buying": buying.json["data"] if buying.is_good else [],
        "sessions": sessions.json["elements"] if sessions.is_good else [],
    }


@page("customers/<uuid:customer_id>/events/", "customer-events")
def customer_events(office: WorkspaceContext, customer_id: Any) -> HttpResponseBase:
    """The next part of the time line."""
    asked = office.request.GET
    number = office.page_number
    query = {"customerId": str(customer_id), "size": EVENTS_AT_A_TIME, "page": number}
    if asked.get("type"):
        query["type"] = asked["type"]
    found = office.get("/events", query)
    events = [(event, list(shown(event["properties"]))[:4]) for event in found["elements"]]
    following = number + 1 if len(events) == EVENTS_AT_A_TIME else None
    return office.show(
        "timeline",
        "Events",
        events=events,
        following=following,
        type=asked.get("type", ""),
        customer_id=customer_id,
        number=number,
    )


@page("customers/<uuid:customer_id>/edit/", "edit-customer")
def edit_customer(office: WorkspaceContext, customer_id: Any) -> HttpResponseBase:
    """The same form, filled in; nobody overwrites what another has changed meanwhile."""
    request = office.request
    person = office.get(f"/customers/{customer_id}")
    fields = filled(_fields(office), person)
    faults: dict[str, str] = {}
    if request.method == "POST":
        body, faults = changes(fields, request.POST)
        if not faults:
            path = f"{office.path}/customers/{customer_id}"
            reply = office.api.write("PATCH", path, body, version=request.POST.get("version"))
            if office.done(reply, "Your changes are kept."):
                return office.go("customer", customer_id=customer_id)
            faults = reply.faults
        fields = as_typed(fields, request.POST)
    return office.show(
        "customer_form",
        f"Edit {_name(person)}",
        groups=grouped(fields, faults),
        customer=person,
        back=office.url("customer", customer_id=customer_id),
        version=request.POST.get("version") or person["version"],
    )


@page("customers/<uuid:customer_id>/delete/", "delete-customer")
def delete_customer(office: WorkspaceContext, customer_id: Any) -> HttpResponseBase:
    person = office.get(f"/customers/{customer_id}")
    if office.request.method == "POST":
        reply = office.api.write("DELETE", f"{office.path}/customers/{customer_id}")
        if office.done(reply, f"{_name(person)} is deleted."):
            return office.go("customers", {"node": person["nodeId"]})
    return office.show(
        "confirm",
        f"Delete {_name(person)}?",
        what="The customer and all events go out of every list. The record is kept until the person"
        " is forgotten.",
        action="Delete",
        back=office.url("customer", customer_id=customer_id),
    )


@page("customers/<uuid:customer_id>/forget/", "forget-customer")
def forget_customer(office: WorkspaceContext, customer_id: Any) -> HttpResponseBase:
    """The right to be forgotten; what is typed shows that the right person is meant."""
    require_proof(office.request)
    person = office.get(f"/customers/{customer_id}")
    expected = ((person["base"].get("contacts") or {}).get("email") or person["id"]).strip()
    fault = ""
    if office.request.method == "POST":
        typed = office.request.POST.get("typed", "").strip()
        if typed.lower() != expected.lower():
            fault = "This is not what stands above. Nothing has been done."
        else:
            path = f"{office.path}/data-protection/customers/{customer_id}"
            if office.done(office.api.write("DELETE", path), "The person is forgotten."):
                return office.go("customers", {"node": person["nodeId"]})
    return office.show(
        "confirm",
        f"Forget {_name(person)} for good?",
        what="Everything that is known of this person is removed, from every table and file."
        " Nothing brings it back.",
        action="Forget for good",
        typed=expected,
        fault=fault,
        back=office.url("customer", customer_id=customer_id),
    )


@page("customers/<uuid:customer_id>/export/", "export-customer")
def export_customer(office: WorkspaceContext, customer_id: Any) -> HttpResponseBase:
    """Everything that is kept of a person, as a file to hand over; the consent log says so."""
    if office.request.method != "POST":
        return office.go("customer", customer_id=customer_id)
    path = f"/data-protection/customers/{customer_id}/export"
    return _exported(office, path, name=f"customer-{customer_id}.json")


def _exported(office: WorkspaceContext, path: str, *, name: str | None) -> HttpResponseBase:
    """A file of personal data, and an entry of the audit log about it."""
    file = office.file(path, name=name)
    record_change(
        office.user, method="GET", path=office.path + path, before=None, answer={}, after=None
    )
    return file


def _picture(request: HttpRequest, base: dict[str, Any]) -> tuple[str, str] | None:
    """Address and origin of a person's picture, if it may be shown.

    Not one of our own addresses: the browser would fetch it as the person who looks at the page.
    """
    address = (base.get("pictureUrl") or "").strip()
    origin = web_origin(address)
    if origin is None:
        return None
    ours = {split_domain_port(request.get_host())[0], urlsplit(settings.PUBLIC_URL).hostname}
    named = [each for each in settings.ALLOWED_HOSTS if each != "*"]
    source, host = origin
    return None if host in ours or validate_host(host, named) else (address, source)


def _rules(asked: Any) -> list[tuple[str, str, str]]:
    given = zip(
        asked.getlist("attribute"), asked.getlist("operator"), asked.getlist("value"), strict=False
    )
    rules = [rule for rule in given if rule[0].strip() and rule[1] in OPERATORS]
    return rules[:MOST_RULES]


def _query(quick: str, rules: list[tuple[str, str, str]], *, match: str) -> Any:
    """What the page asks for, in the API's query language; None for everybody."""
    conditions, unwanted = _quick(quick)
    given = [_condition(*rule) for rule in rules]
    if given:
        joined = "and" if match == "all" else "or"
        conditions.append({"type": "composite", "conditions": given, "conjunction": joined})
    if unwanted and not conditions:
        conditions.append(_condition("id", "IS_NOT_NULL", ""))
    if not conditions:
        return None
    everything = {"type": "composite", "conditions": conditions, "conjunction": "and"}
    query = _simple(everything)
    if unwanted:
        left_out = [_simple(each) for each in unwanted]
        query = {"type": "combined", "conjunction": "EXCEPT", "queries": [query, *left_out]}
    return {"name": "", "query": query}


def _simple(condition: dict[str, Any]) -> dict[str, Any]:
    return {"type": "simple", "name": "", "are": {"condition": condition}}


def _quick(text: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Conditions that must hold, and some of which none may, out of a line of words.

    Each word must be somewhere, in any case and with or without diacritics; `-word` nowhere;
    `"a@b.it"` is that e-mail address exactly.
    """
    lexer = shlex.shlex(text, posix=False)
    lexer.whitespace_split, lexer.commenters, lexer.quotes = True, "", '"'
    try:
        words = list(lexer)
    except ValueError:
        words = text.split()
    wanted, unwanted = [], []
    for word in words[:MOST_RULES]:
        bare = word.strip('"')
        if word.startswith('"') and bare:
            wanted.append(_condition("base.contacts.email", "EQUALS", bare))
        elif word.startswith("-") and len(word) > 1:
            unwanted.append(_anywhere(word[1:]))
        elif bare:
            wanted.append(_anywhere(bare))
    return wanted, unwanted


def _anywhere(word: str) -> dict[str, Any]:
    conditions = [_condition(each, "CONTAINS_FOLDED", word) for each in SEARCHED]
    return {"type": "composite", "conditions": conditions, "conjunction": "or"}


def _condition(attribute: str, operator: str, value: str) -> dict[str, Any]:
    condition: dict[str, Any] = {"type": "atomic", "attribute": attribute, "operator": operator}
    if not operator.startswith("IS_"):
        condition["value"] = _typed(attribute, value)
    return condition


def _typed(attribute: str, text: str) -> Any:
    if text in {"true", "false"}:
        return text == "true"
    if attribute.startswith("extended.") and WHOLE.fullmatch(text):
        return int(text)
    return text


def _attributes(office: WorkspaceContext) -> list[str]:
    return [each.path for each in _fields(office) if each.kind != "json"]


def _fields(office: WorkspaceContext) -> list[Field]:
    schema = office.get("/configuration/properties")
    return [each for each in fields_of(schema) if each.path not in {"nodeId", "id"}]


def _name(person: dict[str, Any]) -> str:
    base = person["base"]
    name = " ".join(filter(None, [base.get("firstName"), base.get("lastName")]))
    contacts = base.get("contacts") or {}
    return name or contacts.get("email") or person.get("externalId") or person["id"]


def _sections(base: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What is known, in groups; groups that are empty are not shown."""
    plain = {name: value for name, value in base.items() if not isinstance(value, dict | list)}
    plain.pop("pictureUrl", None)
    sections = [("Personal", list(shown(plain)))]
    for name, value in base.items():
        if isinstance(value, dict | list):
            pairs = list(shown({name: value}))
            title = name[:1].upper() + name[1:]
            prefix = f"{title} / "
            sections.append((title, [(label.removeprefix(prefix), text) for label, text in pairs]))
    return [section for section in sections if section[1]]


def _summary(data: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Events of the last year by category."""
    totals: dict[str, int] = {}
    for each in data:
        count = sum(int(value["value"]) for value in each["values"])
        totals[each["category"]] = totals.get(each["category"], 0) + count
    return sorted(totals.items(), key=lambda total: -total[1])


def _types_of(data: list[dict[str, Any]]) -> list[str]:
    return sorted(each["type"] for each in data)


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return f"{text[:10]} {text[11:16]}" if len(text) == 24 and text.endswith("Z") else text
