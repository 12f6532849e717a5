"""The OpenAPI document makes good clients: named, described, complete and true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from contacthub_project.api.descriptions import described_operations
from contacthub_project.api.operations import Operation, contract
from tests.contract.document import (
    components,
    described,
    document,
    inside,
    nodes,
    operations,
    parameters_of,
)

PARAMETER = re.compile(r"{(\w+)}")


BY_ID = {each.id: each for methods in contract().values() for each in methods.values()}
IDS = list(BY_ID)


def test_operation_ids_are_unique_snake_case() -> None:
    found = [each["operationId"] for _, each in operations()]
    assert sorted(found) == sorted(IDS)
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", each) for each in found)


@pytest.mark.parametrize("operation_id", IDS)
def test_parameters_keep_the_order_of_the_path(operation_id: str) -> None:
    path, operation = described(operation_id)
    parameters = parameters_of(operation)
    places = [each["in"] for each in parameters]
    assert places == sorted(places, key=["path", "query", "header"].index)
    names = [each["name"] for each in parameters if each["in"] == "path"]
    assert names == PARAMETER.findall(path)


SCHEMAS = sorted(components())
ERROR = {"$ref": "#/components/schemas/Error"}
BOUNDS = {"enum", "format", "maxLength", "pattern", "$ref"}


def types_of(schema: dict[str, Any]) -> list[str]:
    types = schema.get("type", [])
    return types if isinstance(types, list) else [types]


def faults_of(schema: dict[str, Any], at: str, *, is_named: bool = False) -> Iterator[str]:
    """Bare and inline objects, and fields without description, at every depth."""
    if "object" in types_of(schema):
        if schema.get("properties") and not is_named:
            yield f"{at}: an object inside another has no name"
        if schema.keys().isdisjoint({"properties", "additionalProperties"}):
            yield f"{at}: nothing is said of what the object holds"
    for name, field in schema.get("properties", {}).items():
        if not field.get("description"):
            yield f"{at}.{name}: has no description"
    for place, part in inside(schema, at):
        composed = place.startswith((f"{at}/anyOf", f"{at}/oneOf", f"{at}/allOf"))
        yield from faults_of(part, place, is_named=is_named and composed)


@pytest.mark.parametrize("name", SCHEMAS)
def test_components_and_their_fields_are_described(name: str) -> None:
    schema = components()[name]
    assert schema.get("description")
    assert list(faults_of(schema, name, is_named=True)) == []


@pytest.mark.parametrize("operation_id", IDS)
def test_operations_and_parameters_are_described(operation_id: str) -> None:
    _, operation = described(operation_id)
    assert len(operation["description"].partition("Roles:")[0].strip()) > 20
    for parameter in parameters_of(operation):
        assert parameter["description"]
        schema = parameter["schema"]
        if parameter["in"] == "header":
            continue
        match schema.get("type"):
            case "integer":
                assert "minimum" in schema, parameter
            case "boolean":
                assert "default" in schema, parameter
            case "array":
                assert "maxItems" in schema, parameter
                assert schema["items"], parameter
            case _:
                assert BOUNDS & schema.keys(), parameter


@pytest.mark.parametrize("operation_id", IDS)
def test_bodies_and_answers_have_named_schemas(operation_id: str) -> None:
    _, operation = described(operation_id)
    assert operation.get("requestBody", {"required": True})["required"]
    bodies = list(operation.get("requestBody", {}).get("content", {}).values())
    for status, answer in operation["responses"].items():
        assert answer["description"]
        if status in {"200", "201", "202"}:
            assert answer["content"]
            bodies += answer["content"].values()
    for body in bodies:
        assert "$ref" in body["schema"]


@pytest.mark.parametrize("operation", BY_ID.values(), ids=list(BY_ID))
def test_errors_are_documented(operation: Operation) -> None:
    path, shape = described(operation.id)
    answers = shape["responses"]
    for status, answer in answers.items():
        if status >= "400" and (operation.id, status) != ("get_health", "503"):
            assert answer["content"]["application/json"]["schema"] == ERROR, status
    expected = set()
    if not operation.is_public:
        expected |= {"401", "403"}
    if "requestBody" in shape:
        expected |= {"400", "413", "415"}
    parameters = parameters_of(shape)
    if any(each["in"] == "query" or each["name"] == "X-Date-Format" for each in parameters):
        expected.add("400")
    if set(PARAMETER.findall(path)) - {"workspaceId"}:
        expected.add("404")
    if any(each["name"] == "If-Match" for each in parameters):
        expected.add("412")
    if "{workspaceId}" in path and not path.endswith("/throttling"):
        expected.add("429")
    assert expected <= answers.keys()


def test_the_date_format_is_a_parameter_where_responses_hold_moments() -> None:
    """Of which those answers are that a client can read: tests/contract/test_date_formats.py."""
    having = {
        operation["operationId"]
        for _, operation in operations()
        if {"$ref": "#/components/parameters/XDateFormat"} in operation.get("parameters", [])
    }
    assert {"get_customer", "list_updates", "export_node", "create_like", "get_user"} <= having
    assert having.isdisjoint({"create_event", "get_source", "delete_customer", "get_health"})


def test_nothing_of_the_generators_own_is_published() -> None:
    """What can be written has a component of its own; who reads both need no marks."""
    inner = {"x-spec-enum-id", "x-holds-moments", "readOnly", "writeOnly"}
    found = [at for at, node in nodes(document(), "") if not inner.isdisjoint(node)]
    assert found == []


def test_nothing_is_described_that_is_not_there() -> None:
    assert described_operations() <= set(IDS)
