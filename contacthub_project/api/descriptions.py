"""The texts of the OpenAPI document about operations, components and their properties.

Each app keeps the texts in `<app>/api/openapi/descriptions.toml`:

    [operations.create_customer]     # by operationId
    description = "…"                # paragraphs, for those who call the operation
    errors = [409]                   # statuses beside those of its kind of operation
    headers = ["If-Match", "ETag"]   # shared headers of its requests and responses
    holds_moments = true             # its answer has timestamps that its schema does not show

    [components]                     # by the name of the component
    CustomerInput = "…"

    [properties.Customer]            # by component and property
    externalId = "…"

A property is looked up in the table of its component, of the component's stem (`CustomerInput`,
`CustomerChange` and `CustomerSelection` share those of `Customer`), and in the table `"*"` for
properties that mean the same everywhere.
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
    """The texts and settings of one operation."""

    description: str = ""
    errors: tuple[int, ...] = ()
    headers: tuple[str, ...] = ()
    holds_moments: bool = False


def openapi_folder(module: str) -> Path:
    """Return the folder of descriptions and examples of the package of a view's module."""
    package = import_module(module.partition(".")[0])
    return Path(package.__path__[0]) / "api" / "openapi"


def operation_description(module: str, operation_id: str) -> OperationDescription:
    """Return the description of an operation of a view in this module, empty if there is none."""
    operations = _read(openapi_folder(module) / "descriptions.toml").get("operations", {})
    written = operations.get(operation_id, {})
    return OperationDescription(
        description=_paragraphs(written.get("description", "")),
        errors=tuple(written.get("errors", ())),
        headers=tuple(written.get("headers", ())),
        holds_moments=written.get("holds_moments", False),
    )


def described_operations() -> set[str]:
    """Return the ids of all operations that are described."""
    return {name for texts in _all() for name in texts.get("operations", {})}


def describe_components(schemas: dict[str, Any]) -> None:
    """Fill in the descriptions of components and properties that have none of their own."""
    components: dict[str, str] = {}
    properties: dict[str, dict[str, str]] = {}
    for table in _all():
        components |= table.get("components", {})
        for name, texts in table.get("properties", {}).items():
            properties.setdefault(name, {}).update(texts)
    for name, schema in schemas.items():
        places = (name, VARIANT.sub("", name), EVERYWHERE)
        if name in components:
            schema["description"] = _paragraphs(components[name])
        for key, child in schema.get("properties", {}).items():
            found = (properties.get(place, {}).get(key) for place in places)
            text = next((each for each in found if each is not None), None)
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
    """Return the text without the line breaks inside its paragraphs."""
    return re.sub(r"(?<!\n)\n(?![\n*-])", " ", text.strip())
