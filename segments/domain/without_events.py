"""Whether a query can match a customer without events."""

from __future__ import annotations

from typing import Any

from configuration.domain.conditions import AllOf, AnyOf, Not
from customers.domain.query_language import Did


def may_match_without_events(expression: Any) -> bool:
    """Return False when the expression is false for every customer without any event."""
    return _truth(expression) is not False


def _truth(expression: Any) -> bool | None:
    """Return the value of an expression for a customer without events; None if it depends."""
    match expression:
        case Did():
            return expression.behaviour.holds_without_events
        case Not():
            inner = _truth(expression.part)
            return None if inner is None else not inner
        case AllOf():
            return _decided([_truth(part) for part in expression.parts], by=False)
        case AnyOf():
            return _decided([_truth(part) for part in expression.parts], by=True)
    return None


def _decided(parts: list[bool | None], *, by: bool) -> bool | None:
    """Return `by` when any part has that value, else the opposite unless a part is not known."""
    if by in parts:
        return by
    return None if None in parts else not by
