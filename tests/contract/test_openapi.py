"""The OpenAPI document makes good clients: named, described, complete and true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from contacthub_project.api.operations import contract

PARAMETER = re.compile(r"{(\w+)}")


@cache
def document() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for described in methods.values():
            yield path, described


IDS = [operation.id for methods in contract().values() for operation in methods.values()]


def described(operation_id: str) -> tuple[str, dict[str, Any]]:
    return next(each for each in operations() if each[1]["operationId"] == operation_id)


def test_operation_ids_are_unique_snake_case() -> None:
    found = [each["operationId"] for _, each in operations()]
    assert sorted(found) == sorted(IDS)
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", each) for each in found)


@pytest.mark.parametrize("operation_id", IDS)
def test_parameters_keep_the_order_of_the_path(operation_id: str) -> None:
    path, operation = described(operation_id)
    places = [each["in"] for each in operation.get("parameters", [])]
    assert places == sorted(places, key=["path", "query", "header"].index)
    names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "path"]
    assert names == PARAMETER.findall(path)
