"""The page of one customer: how to reach them, profile, consents, orders and time line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from csp.decorators import csp_replace
from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host
from django.http.response import HttpResponseBase
from django.utils.translation import gettext, gettext_lazy

from configuration.models import Source, User
from contacthub_project.admin.audit import record_view
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.form_fields import labelled_values
from contacthub_project.admin.pages.customer_consents import (
    author_of,
    consent_matrix,
    disclaimer_of,
)
from contacthub_project.admin.pages.customer_orders import orders_of
from contacthub_project.admin.pages.customer_timeline import event_label
from contacthub_project.admin.person_name import display_name
from contacthub_project.admin.site import page
from contacthub_project.admin.time_zone import local_time, with_local_time
from contacthub_project.core.addresses import web_origin
from contacthub_project.core.identifiers import as_uuid
from customers.admin.rule_properties import label_in_group, label_of

LINES_OF_LOG = 100
# Titles of groups of base properties, in the order in which the card has them.
SECTIONS = {
    "address": gettext_lazy("Address"),
    "jobs": gettext_lazy("Jobs"),
    "educations": gettext_lazy("Education"),
    "likes": gettext_lazy("Likes"),
    "socialProfile": gettext_lazy("Social profiles"),
}
# What is shown elsewhere on the card, or not at all.
ELSEWHERE = {"contacts", "subscriptions", "credential", "pictureUrl"}
LOG_TYPES = {
    "DISCLAIMER_READ": gettext_lazy("Disclaimer read"),
    "CONSENT_CHANGED": gettext_lazy("Consent"),
    "CONSENT_RESTRICTED": gettext_lazy("Limitation"),
    "CONSENT_OBJECTED": gettext_lazy("Objection"),
    "DATA_PORTABILITY_REQUESTED": gettext_lazy("Data exported"),
    "FORCED_DELETE": gettext_lazy("Forgotten"),
}


@page("customers/<uuid:customer_id>/", "customer")
def customer(office: WorkspaceContext, customer_id: Any) -> HttpResponseBase:
    """Show one customer: how to reach them, profile, consents, orders and events."""
    person = office.get(f"/customers/{customer_id}")
    record_view(office, customer_id)
    picture = _picture(office.request, person["base"])
    may_edit = office.may("PATCH", "/customers/{customerId}") and _is_writable(office, person)
    response = office.show(
        "customer",
        display_name(person),
        person=person,
        name=display_name(person),
        picture=picture[0] if picture else "",
        node_name=office.node_name(person["nodeId"]),
        orders=orders_of(office, customer_id),
        **_profile(office, person),
        **_related(office, customer_id, person["consents"] or {}),
        may_erase=office.may("DELETE", "/data-protection/customers/{customerId}"),
        may_export=office.may("GET", "/data-protection/customers/{customerId}/export"),
        may_edit=may_edit,
        may_delete=may_edit and office.may("DELETE", "/customers/{customerId}"),
    )
    if picture is None:
        return response
    # The policy names the picture's origin only, so a redirect to another one is refused.
    policy = csp_replace({"img-src": ["data:", picture[1]]})
    return policy(lambda _: response)(office.request)


def _is_writable(office: WorkspaceContext, person: Mapping[str, Any]) -> bool:
    """Return whether the person's node takes writes, and those of the visitor."""
    node = next((each for each in office.nodes if each["id"] == person["nodeId"]), None)
    return node is not None and node["type"] != "AGGREGATE" and "W" in node["permission"]


def _profile(office: WorkspaceContext, person: dict[str, Any]) -> dict[str, Any]:
    """Return the template's context made from the customer's document."""
    base, tags = person["base"], person["tags"] or {}
    return {
        "contacts": list(_contacts(base.get("contacts") or {})),
        "details": list(_sections(base)),
        "extended": list(labelled_values(person["extended"] or {})),
        "automatic_tags": tags.get("auto") or [],
        "tags": tags.get("manual") or [],
        "subscriptions": [
            each | {"since": local_time(each.get("startDate"), office.zone)}
            for each in base.get("subscriptions") or []
        ],
        "registered": local_time(person["registeredAt"], office.zone),
        "changed": local_time(person["updatedAt"], office.zone),
        "authors": _authors(office, person.get("sourceInfo") or {}),
    }


def _contacts(contacts: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield label, text and address (mailto: or tel:, else empty) of each way to reach them."""
    kinds = {"email": "mailto:", "mobilePhone": "tel:", "phone": "tel:", "fax": ""}
    for name, scheme in kinds.items():
        if contacts.get(name):
            yield (
                label_of(f"contacts.{name}").split("/ ")[-1].capitalize(),
                *_link(contacts[name], scheme),
            )
    schemes = {"EMAIL": "mailto:", "MOBILE": "tel:", "PHONE": "tel:"}
    for each in contacts.get("otherContacts") or []:
        if each.get("value"):
            yield each["name"], *_link(each["value"], schemes.get(each.get("type") or "", ""))
    for each in contacts.get("mobileDevices") or []:
        names = filter(None, [each.get("name"), each.get("type"), each.get("identifier")])
        yield gettext("Mobile device"), " · ".join(names), ""


def _link(value: str, scheme: str) -> tuple[str, str]:
    if scheme == "tel:":
        dialled = "".join(each for each in value if each.isdecimal() or each == "+")
        return value, f"{scheme}{dialled}" if dialled else ""
    return value, f"{scheme}{value}" if scheme and value.count("@") == 1 else ""


def _sections(base: Mapping[str, Any]) -> Iterator[tuple[str, list[list[tuple[str, str]]]]]:
    """Yield title and rows of each group of base properties; a row is labels and values."""
    plain = {
        label_of(f"base.{name}"): value
        for name, value in base.items()
        if not isinstance(value, dict | list) and name not in ELSEWHERE
    }
    yield gettext("Personal"), [list(labelled_values(plain))] if plain else []
    for name, title in SECTIONS.items():
        value = base.get(name) or {}
        elements = value if isinstance(value, list) else [value]
        rows = [list(labelled_values(_without_id(each))) for each in elements]
        if any(rows):
            yield str(title), rows


def _without_id(element: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in element.items() if name != "id"}


def _authors(office: WorkspaceContext, source_info: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return by which sources or persons the customer was registered and changed."""
    ids = {
        gettext("Registered by"): source_info.get("registeredBy"),
        gettext("Changed last by"): source_info.get("updatedBy"),
    }
    texts = [str(each) for each in ids.values() if each]
    sources = [known for each in texts if (known := as_uuid(each)) is not None]
    people = [int(each) for each in texts if each.isdecimal()]
    names = {
        str(each.id): each.name
        for each in Source.objects.in_workspace(office.workspace_id).filter(id__in=sources)
    } | {str(each.id): str(each) for each in User.objects.filter(id__in=people)}
    return [(label, names.get(str(each), str(each))) for label, each in ids.items() if each]


def _related(
    office: WorkspaceContext, customer_id: Any, consents: Mapping[str, Any]
) -> dict[str, Any]:
    """Return members, consents with their log, sessions and statistics for the template.

    What the visitor may not read is empty.
    """
    path = f"{office.path}/customers/{customer_id}"
    members = office.api.get(f"{path}/entry-customers", {"page": 0, "size": 50})
    logs = office.api.get(
        f"{office.path}/consent-logs", {"customerId": str(customer_id), "size": LINES_OF_LOG}
    )
    distribution = office.api.get(f"{path}/stats/event-category-distribution", {"mode": "MONTHLY"})
    sessions = office.api.get(f"{path}/sessions")
    segments = office.api.get(f"{path}/segments")
    counts = distribution.json["data"] if distribution.is_good else []
    log = logs.json["elements"] if logs.is_good else []
    return {
        "members": [
            (each, display_name(each), office.node_name(each["nodeId"]))
            for each in (members.json["elements"] if members.is_good else [])
        ],
        "matrix": consent_matrix(consents, log, office.zone),
        "disclaimer": disclaimer_of(consents, office.zone),
        "consent_log": [_log_line(each, office) for each in log],
        "types": sorted((event_label(each["type"]), each["type"]) for each in counts),
        "sessions": sessions.json["elements"] if sessions.is_good else [],
        "segments": segments.json["elements"] if segments.is_good else [],
    }


def _log_line(line: Mapping[str, Any], office: WorkspaceContext) -> tuple[str, str, str]:
    """Return moment, what happened and author of a line of the consent log."""
    return local_time(line["date"], office.zone), log_text(line), author_of(line)


def log_text(line: Mapping[str, Any]) -> str:
    """Return what a line of the consent log says: what happened, the channel, and its value."""
    channel = (line["property"] or "").removeprefix("consents.").removesuffix(".status")
    words = {
        "true": gettext("yes"),
        "false": gettext("no"),
        None: gettext("removed") if channel else "",
    }
    value = words[line["value"]] if line["value"] in words else with_local_time(line["value"])
    about = label_in_group(f"consents.{channel}").lower() if channel else ""
    what = LOG_TYPES.get(line["type"], line["type"])
    return " · ".join(filter(None, [str(what), about, value]))


def _picture(request: HttpRequest, base: dict[str, Any]) -> tuple[str, str] | None:
    """Return address and origin of a customer's picture, None if it is not to be loaded.

    An address of this server is not: the browser would send the visitor's cookies to it.
    """
    address = (base.get("pictureUrl") or "").strip()
    origin = web_origin(address)
    if origin is None:
        return None
    own_hosts = {split_domain_port(request.get_host())[0], urlsplit(settings.PUBLIC_URL).hostname}
    named = [each for each in settings.ALLOWED_HOSTS if each != "*"]
    source, host = origin
    return None if host in own_hosts or validate_host(host, named) else (address, source)
