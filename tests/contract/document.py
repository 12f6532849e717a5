"""The OpenAPI document as tests read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from jsonschema_rs import Draft202012Validator

Schema = dict[str, Any]
PREFIX = "#/components/"
EXAMPLES = {"example", "examples"}


@cache
def document() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation, with its path."""
    for path, methods in document()["paths"].items():
        for operation in methods.values():
            yield path, operation


@cache
def described(operation_id: str) -> tuple[str, dict[str, Any]]:
    """The path and the operation of this id."""
    return next(each for each in operations() if each[1]["operationId"] == operation_id)


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """What a part refers to, or the part itself."""
    found = part
    while "$ref" in found:
        kind, name = found["$ref"].removeprefix(PREFIX).split("/")
        found = document()["components"][kind][name]
    return found


def parameters_of(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters of an operation, those too that it refers to."""
    return [resolved(each) for each in operation.get("parameters", ())]


def components() -> dict[str, Schema]:
    return document()["components"]["schemas"]


def nodes(part: Any, at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a part of the document, examples left out, with where it stands."""
    if isinstance(part, dict):
        yield at, part
        for key, child in part.items():
            if key not in EXAMPLES:
                yield from nodes(child, f"{at}.{key}")
    elif isinstance(part, list):
        for index, child in enumerate(part):
            yield from nodes(child, f"{at}.{index}")


def inside(schema: Schema, at: str) -> Iterator[tuple[str, Schema]]:
    """The schemas that stand right inside another, with where they stand."""
    for keyword in ("anyOf", "oneOf", "allOf"):
        for index, part in enumerate(schema.get(keyword, ())):
            yield f"{at}/{keyword}/{index}", part
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield f"{at}/{keyword}", schema[keyword]
    for name, part in schema.get("properties", {}).items():
        yield f"{at}.{name}", part


@cache
def _validator_of(text: str) -> Draft202012Validator:
    whole = {**json.loads(text), "components": document()["components"]}
    return Draft202012Validator(whole, validate_formats=True)


def validator_of(schema: Schema) -> Draft202012Validator:
    """The compiled validator of a schema of the document."""
    return _validator_of(json.dumps(schema))


def check(value: Any, schema: Schema) -> None:
    """Refuse a value that is not as a schema of the document says."""
    validator_of(schema).validate(value)
