"""The options of the rule builder: properties, operators and events of a workspace."""

from __future__ import annotations

from dataclasses import asdict
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.vocabulary import EVENT_TYPES
from configuration.queries.rules import rules_of
from customers.admin.rule_properties import GROUPS, OPERATORS, TIMES, properties_of
from customers.admin.rule_trees import DEEPEST


def rule_options(workspace_id: UUID) -> dict[str, Any]:
    """Return what the rule builder's script (`office/rule_builder.js`) offers in a workspace."""
    rules = rules_of(workspace_id)
    schema = rules.customer_schema if rules is not None else CustomerSchema()
    return {
        "properties": [
            asdict(each) | {"group": gettext(each.group)} for each in properties_of(schema)
        ],
        "groups": [gettext(each) for each in GROUPS],
        "operators": {kind: _translated(offered) for kind, offered in OPERATORS.items()},
        "times": _translated(TIMES),
        "events": sorted(
            ((each.type, gettext(each.label)) for each in EVENT_TYPES.values()),
            key=itemgetter(1),
        ),
        "deepest": DEEPEST,
    }


def _translated(offered: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(operator, gettext(label)) for operator, label in offered]
