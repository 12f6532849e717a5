"""The defaults of the published API (reference, version 1.299.1) hold here, and are documented."""

from __future__ import annotations

from typing import Any

import pytest

from contacthub_project.api.operations import Operation
from tests.contract.document import components, described, document, parameters_of
from tests.contract.test_examples import BY_ID, module_of, sent, written_examples
from tests.contract.world import World

# By operation and parameter, as the reference names them ("Default: …", or in its text).
PARAMETERS: dict[str, dict[str, Any]] = {
    "get_customer_event_category_distribution": {"mode": "DAILY"},
    "get_customer_registrations": {"mode": "MONTHLY"},
    "get_customer_updates": {"type": "ADDED"},
    "get_event_updates": {"type": "ADDED"},
    "get_event_type_stats": {"context": "ALL"},
    "get_purchase_kpis": {"type": "ALL"},
    "list_nodes": {"page": 0, "size": 20},
    "list_entry_nodes": {"page": 0, "size": 20},
    "list_workspaces": {"page": 0, "size": 20},
    "list_updates": {"size": 50},
    "list_contexts": {"resolveReferences": False},
    "list_customers": {"sort": ["updatedAt,desc"]},
    "list_events": {"sort": ["date,desc"]},
}
# "The default date range is …"
PERIODS = {
    "a year": (
        "get_customer_event_category_distribution", "get_customer_buying_behaviors",
        "get_customer_registrations",
    ),
    "a month": (
        "get_customer_updates", "get_event_updates", "get_event_type_stats", "get_purchase_kpis",
        "get_ecommerce_kpis", "get_web_kpis",
    ),
}  # fmt: skip
# Of bodies, where a property that is left out means its default.
BODIES: dict[str, dict[str, Any]] = {
    "EventConfigurationInput": {"enabled": True},
    "SourceInput": {"enabled": True},
    "GrantInput": {"permission": "R"},
    "BringBackProperties": {"type": "SESSION_ID"},
}
# Of bodies of PUT that leave as it is what they do not name. A default there would have generated
# clients overwrite it; it is what something new has, and stands in the answer.
NEW: dict[str, dict[str, Any]] = {
    "WorkspaceConfiguration": {
        "industry": "NotDefined", "timezone": "Europe/Rome", "currency": "EUR",
        "customerUniquenessPolicy": "MERGE",
    },
    "Source": {"enabled": True},
}  # fmt: skip


@pytest.mark.parametrize("operation_id", PARAMETERS)
def test_parameters(operation_id: str) -> None:
    found = {
        each["name"]: each["schema"].get("default")
        for each in parameters_of(described(operation_id)[1])
    }
    assert found | PARAMETERS[operation_id] == found


@pytest.mark.parametrize(
    ("period", "operation_id"), [(period, each) for period in PERIODS for each in PERIODS[period]]
)
def test_periods(period: str, operation_id: str) -> None:
    assert f"`start` the period is {period}" in " ".join(
        described(operation_id)[1]["description"].split()
    )


@pytest.mark.parametrize("name", [*BODIES, *NEW])
def test_bodies(name: str) -> None:
    expected = (BODIES | NEW)[name]
    found = {key: field.get("default") for key, field in components()[name]["properties"].items()}
    assert found | expected == found


@pytest.mark.parametrize("name", NEW)
def test_what_stays_unless_named_has_no_default(name: str) -> None:
    body = components()[{"Source": "SourceUpdate"}.get(name, f"{name}Input")]
    assert [key for key, field in body["properties"].items() if "default" in field] == []


def defaults_of(operation: Operation) -> dict[str, Any]:
    """The documented defaults of an operation's query."""
    shape = document()["paths"][operation.path][operation.method.lower()]
    parameters = [each for each in parameters_of(shape) if each["in"] == "query"]
    return {
        each["name"]: each["schema"]["default"]
        for each in parameters
        if "default" in each["schema"]
    }


def test_a_default_is_what_its_absence_means(db: None) -> None:
    world = World()
    tried = set()
    for operation in BY_ID.values():
        defaults = defaults_of(operation)
        # The consent log, which a person's export holds, has every export.
        if operation.method != "GET" or not defaults or operation.id == "export_customer":
            continue
        example = written_examples(module_of(operation), operation.id)[0]
        given = example["request"].get("query", {})
        needed = {name: value for name, value in given.items() if name not in defaults}
        named = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in defaults.items()
        }
        answers = [
            sent(operation, example | {"request": example["request"] | {"query": query}}, world)
            for query in (needed, needed | named)
        ]
        assert answers[0].status == answers[1].status == 200, (operation.id, answers)
        assert answers[0].content == answers[1].content, operation.id
        tried.add(operation.id)
    assert len(tried) > 20
    assert tried >= PARAMETERS.keys()
