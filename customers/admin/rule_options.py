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
from customers.admin.rule_trees import DAYS, DEEPEST, MOST_DAYS


def rule_options(workspace_id: UUID, *, of_conditions: bool = False) -> dict[str, Any]:
    """Return what the rule builder's script (`office/rule_builder.js`) offers in a workspace.

    For conditions neither behaviour nor what depends on the present time is offered.
    """
    rules = rules_of(workspace_id)
    schema = rules.customer_schema if rules is not None else CustomerSchema()
    return {
        "properties": [
            asdict(each) | {"group": gettext(each.group)} for each in properties_of(schema)
        ],
        "groups": [gettext(each) for each in GROUPS],
        "operators": {
            kind: [
                each for each in _translated(offered) if not of_conditions or each[0] not in DAYS
            ]
            for kind, offered in OPERATORS.items()
        },
        "times": _translated(TIMES),
        "events": [] if of_conditions else _events(),
        "deepest": DEEPEST,
        "mostDays": MOST_DAYS,
        "texts": _texts(),
    }


def _events() -> list[tuple[str, str]]:
    """Return types and labels of events, by label."""
    labels = ((each.type, gettext(each.label)) for each in EVENT_TYPES.values())
    return sorted(labels, key=itemgetter(1))


def _texts() -> dict[str, str]:
    """Return the script's texts; names in braces stand for its inputs, in the language's order."""
    return {
        "customersWhoMatch": gettext("Customers who match {match}"),
        "all": gettext("all of these"),
        "any": gettext("any of these"),
        "allOrAny": gettext("All or any of the rules"),
        "addRule": gettext("Add a rule"),
        "addBehaviour": gettext("Add what they did"),
        "addGroup": gettext("Add a group"),
        "remove": gettext("Remove"),
        "removeRule": gettext("Remove this rule"),
        "removeGroup": gettext("Remove this group"),
        "property": gettext("Property"),
        "comparison": gettext("Comparison"),
        "value": gettext("Value"),
        "values": gettext("Values, separated by ;"),
        "someValues": gettext("one; another"),
        "range": gettext("{from} and {to}"),
        "from": gettext("From"),
        "to": gettext("To"),
        "yes": gettext("yes"),
        "no": gettext("no"),
        "days": gettext("Days"),
        "numberOfDays": gettext("{days} days"),
        "did": gettext("did"),
        "didNot": gettext("did not"),
        "didOrDidNot": gettext("Did or did not"),
        "didSentence": gettext("{did} {event} {often} {times} times in the last {days} days"),
        "didNotSentence": gettext("{did} {event} in the last {days} days"),
        "typeOfEvent": gettext("Type of event"),
        "howOften": gettext("How often"),
        "times": gettext("Times"),
        "ever": gettext("ever"),
        "noCount": gettext("The count did not come. Try again."),
    }


def _translated(offered: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(operator, gettext(label)) for operator, label in offered]
