"""Properties of sources: the addresses and sites from which a token may be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from configuration.domain.coercion import coerce
from configuration.domain.send_source import PROPERTIES_SCHEMA
from configuration.domain.send_source import PROVIDER as SEND
from contacthub_project.core.errors import FieldError
from contacthub_project.core.ip_addresses import as_network

MOST_ENTRIES = 100


def _is_network(text: str) -> bool:
    try:
        as_network(text)
    except ValueError:
        return False
    return True


def _is_site(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


# By property: the check of an entry, and the message of its fault.
LISTS: dict[str, tuple[Callable[[str], bool], str]] = {
    "allowedIPs": (_is_network, "must be an IP address or a range such as 10.1.0.0/16"),
    "allowedURLs": (_is_site, "must be an http or https address"),
}
PROPERTIES_BY_PROVIDER = {"API": {"allowedIPs", "allowedURLs"}, "JavaScript": {"allowedURLs"}}
# A server sends no Origin: sites limit only those that are used in web pages.
PROPERTIES_OF_UNTRUSTED = {"allowedURLs"}


def properties_schema(provider: str) -> dict[str, Any]:
    """Return the JSON Schema of the properties of a provider's sources."""
    if provider == SEND:
        return PROPERTIES_SCHEMA
    items = {
        "allowedIPs": {"type": "string", "description": "An address or a range"},
        "allowedURLs": {
            "type": "string",
            "format": "uri",
            "description": "A web site; for sources that are not trusted",
        },
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {"type": ["array", "null"], "items": items[name], "maxItems": MOST_ENTRIES}
            for name in sorted(PROPERTIES_BY_PROVIDER.get(provider, ()))
        },
    }


def coerced_properties(provider: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Return the properties in the forms of their schema (`configuration.domain.coercion`)."""
    coerced: dict[str, Any] = coerce(properties_schema(provider), properties)
    return coerced


def property_faults(
    provider: str, properties: dict[str, Any], *, trusted: bool
) -> list[FieldError]:
    """Return the faults of the properties of a source of this provider."""
    known = PROPERTIES_BY_PROVIDER.get(provider, set())
    if trusted:
        known = known - PROPERTIES_OF_UNTRUSTED
    faults = []
    for name, entries in properties.items():
        at = f"/properties/{name}"
        if name not in known:
            faults.append(FieldError(at, "is not a known property", "unknown"))
        elif entries is not None and not isinstance(entries, list):
            faults.append(FieldError(at, "must be a list", "type"))
        elif len(entries or ()) > MOST_ENTRIES:
            faults.append(FieldError(at, f"has more than {MOST_ENTRIES} entries", "maxItems"))
        else:
            is_valid, message = LISTS[name]
            faults += [
                FieldError(f"{at}/{index}", message, "format")
                for index, entry in enumerate(entries or ())
                if not isinstance(entry, str) or not is_valid(entry)
            ]
    return faults
