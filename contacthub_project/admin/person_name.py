"""How pages name a person."""

from __future__ import annotations

from typing import Any


def display_name(person: dict[str, Any]) -> str:
    """Return name, e-mail address, external id or id, the first that is known of a customer."""
    base = person["base"]
    name = " ".join(filter(None, [base.get("firstName"), base.get("lastName")]))
    contacts = base.get("contacts") or {}
    return name or contacts.get("email") or person.get("externalId") or person["id"]
