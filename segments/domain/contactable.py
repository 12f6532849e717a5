"""The condition that customers may be contacted by a consent."""

from __future__ import annotations

from typing import Any

from configuration.domain.conditions import AllOf, Comparison, Condition, Not, Test


def contactable(path: str) -> Condition:
    """Return the condition that a consent was given, and neither limited nor objected to.

    `path` is that of the consent without `consents.`, such as `marketing.automatic.email`.
    """

    def is_set(leaf: str) -> Comparison:
        return Comparison(f"consents.{path}.{leaf}", "boolean", Test.EQUALS, (True,))

    return AllOf((is_set("status"), Not(is_set("limitation")), Not(is_set("objection"))))


def contactable_document(path: str) -> dict[str, Any]:
    """Return the same condition as the query language writes it."""

    def is_set(leaf: str, operator: str) -> dict[str, Any]:
        attribute = f"consents.{path}.{leaf}"
        return {"type": "atomic", "attribute": attribute, "operator": operator, "value": True}

    conditions = [
        is_set("status", "EQUALS"),
        is_set("limitation", "NOT_EQUALS"),
        is_set("objection", "NOT_EQUALS"),
    ]
    return {"type": "composite", "conjunction": "and", "conditions": conditions}
