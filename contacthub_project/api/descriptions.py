"""What the OpenAPI document says of operations, components and their properties.

Each app keeps the texts in `<app>/api/openapi/descriptions.toml`:

    [operations.create_customer]     # by operationId
    description = "…"                # paragraphs, for those who call the operation
    errors = [409]                   # statuses that do not follow from the operation's shape
    headers = ["If-Match", "ETag"]   # shared headers that it reads and answers
    holds_moments = true             # in its answer, where its schema does not tell

    [components]                     # by the name of the component
    CustomerInput = "…"

    [properties.Customer]            # by component and property
    externalId = "…"

A property is looked up in the table of its component, of the component's stem (`CustomerInput`,
`CustomerChange` and `CustomerSelection` share those of `Customer`), and in the table `"*"` of what
means the same everywhere.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from django.apps import apps

PLATFORM = "contacthub_project"
EVERYWHERE = "*"
VARIANT = re.compile(r"(Input|Update|Change|Output|Request|Selection)+$")


@dataclass(frozen=True, slots=True)
class OperationDescription:
    """What is said of one operation beside what its view and its shape tell."""

    description: str = ""
    errors: tuple[int, ...] = ()
    headers: tuple[str, ...] = ()
    holds_moments: bool = False


def openapi_folder(module: str) -> Path:
    """The folder of descriptions and examples of the package that a view's module belongs to."""
    package = import_module(module.partition(".")[0])
    return Path(package.__path__[0]) / "api" / "openapi"


def operation_description(module: str, operation_id: str) -> OperationDescription:
    """What is said of the operation that a view of this module serves; empty when nothing is."""
    operations = _read(openapi_folder(module) / "descriptions.toml").get("operations", {})
    said = operations.get(operation_id, {})
    return OperationDescription(
        description=_paragraphs(said.get("description", "")),
        errors=tuple(said.get("errors", ())),
        headers=tuple(said.get("headers", ())),
        holds_moments=said.get("holds_moments", False),
    )


def described_operations() -> set[str]:
    """The ids of all operations that something is said of."""
    return {name for said in _all() for name in said.get("operations", {})}


def describe_components(schemas: dict[str, Any]) -> None:
    """Fill in the descriptions of components and properties that have none of their own."""
    components: dict[str, str] = {}
    properties: dict[str, dict[str, str]] = {}
    for said in _all():
        components |= said.get("components", {})
        for name, table in said.get("properties", {}).items():
            properties.setdefault(name, {}).update(table)
    for name, schema in schemas.items():
        places = (name, VARIANT.sub("", name), EVERYWHERE)
        if name in components:
            schema["description"] = _paragraphs(components[name])
        for key, child in schema.get("properties", {}).items():
            texts = (properties.get(place, {}).get(key) for place in places)
            text = next((each for each in texts if each is not None), None)
            if text is not None and "description" not in child:
                schema["properties"][key] = child | {"description": _paragraphs(text)}


def _all() -> list[Mapping[str, Any]]:
    packages = [PLATFORM, *(config.name for config in apps.get_app_configs())]
    folders = (Path(import_module(name).__path__[0]) for name in packages)
    files = (folder / "api" / "openapi" / "descriptions.toml" for folder in folders)
    return [_read(file) for file in files if file.exists()]


@cache
def _read(file: Path) -> Mapping[str, Any]:
    return tomllib.loads(file.read_text()) if file.exists() else {}


def _paragraphs(text: str) -> str:
    """The text without the line breaks of its source; empty lines stay."""
    return re.sub(r"(?<!\n)\n(?![\n*-])", " ", text.strip())
