"""Rules for refusing an event of a customer: switches and consents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from contacthub_project.core.errors import FieldError


class RefusalReason(StrEnum):
    """Reasons for dropping a waiting event."""

    TYPE_DISABLED = "TYPE_DISABLED"
    CUSTOMER_DISABLED = "CUSTOMER_DISABLED"
    CONSENT_MISSING = "CONSENT_MISSING"


def refusal_reason(
    *,
    type_is_enabled: bool,
    customer_is_enabled: bool,
    consents: Mapping[str, Any],
    demanded: Iterable[str],
) -> RefusalReason | None:
    """Return the first reason for refusing such an event; None if it is accepted."""
    if not type_is_enabled:
        return RefusalReason.TYPE_DISABLED
    if not customer_is_enabled:
        return RefusalReason.CUSTOMER_DISABLED
    if not all(is_given(consents, path) for path in demanded):
        return RefusalReason.CONSENT_MISSING
    return None


def type_refusal(event_type: str, *, is_enabled: bool) -> list[FieldError]:
    """Return the reason for refusing events of this type; empty if they are accepted."""
    if is_enabled:
        return []
    return [FieldError("/type", f"events {event_type} are disabled", "disabled")]


def customer_refusals(
    *, is_enabled: bool, consents: Mapping[str, Any], demanded: Iterable[str]
) -> list[FieldError]:
    """Return the reasons for refusing such an event of a customer; empty if it is accepted.

    The customer must be enabled and have given each of the `demanded` consents (paths such as
    `marketing.automatic.email`), neither limited nor objected to.
    """
    refusals = []
    if not is_enabled:
        refusals.append(FieldError("/customerId", "the customer is disabled", "disabled"))
    refusals += [
        FieldError("/customerId", f"the customer has not consented to {path}", "consent")
        for path in demanded
        if not is_given(consents, path)
    ]
    return refusals


def is_given(consents: Mapping[str, Any], path: str) -> bool:
    """Return whether a consent is given, and neither limited nor objected to."""
    leaf: Any = consents
    for name in path.split("."):
        leaf = leaf.get(name) if isinstance(leaf, Mapping) else None
    if not isinstance(leaf, Mapping):
        return False
    return (
        leaf.get("status") is True
        and leaf.get("limitation") is not True
        and leaf.get("objection") is not True
    )
