"""What a customer may hold: the built-in properties, compiled for checking and for answering."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from configuration.domain.schema_tree import (
    complete,
    instants_of,
    resolve,
    shape_of,
    with_instants_in_one_form,
)
from configuration.domain.validation import DocumentValidator
from contacthub_project.errors import FieldError

BUILT_IN: Mapping[str, Any] = json.loads(
    (Path(__file__).parent / "catalogue" / "customer.json").read_text()
)
# What a customer can be recognised by, or can be made mandatory.
SECTIONS = ("base", "extended")


class CustomerSchema:
    """The schema of one workspace's customers."""

    def __init__(self, document: Mapping[str, Any] = BUILT_IN) -> None:
        self.document = document

    def faults(self, body: Mapping[str, Any]) -> list[FieldError]:
        """Everything wrong with a new customer's body."""
        return self._creation.faults(body)

    def with_instants_in_one_form(self, body: dict[str, Any]) -> dict[str, Any]:
        """The (valid) body with its moments in UTC with milliseconds."""
        return with_instants_in_one_form(self._instants, body)

    def complete_base(self, base: Mapping[str, Any]) -> dict[str, Any]:
        """Stored base properties as answers show them: every property there, absent ones null."""
        return complete(self._shape["base"], base)

    def has_scalar(self, path: str) -> bool:
        """Whether a dotted path names a single value, such as `base.contacts.email`."""
        return path in self._scalars

    def has(self, path: str) -> bool:
        """Whether a dotted path names a property, single value or not."""
        return path in self._properties

    @cached_property
    def _creation(self) -> DocumentValidator:
        return DocumentValidator({**self.document, "required": ["nodeId"]})

    @cached_property
    def _instants(self) -> Any:
        return instants_of(self.document, self.document)

    @cached_property
    def _shape(self) -> Any:
        return shape_of(self.document, self.document)

    @cached_property
    def _scalars(self) -> frozenset[str]:
        return frozenset(path for path, single in self._walk() if single)

    @cached_property
    def _properties(self) -> frozenset[str]:
        return frozenset(path for path, _ in self._walk())

    def _walk(self) -> Iterator[tuple[str, bool]]:
        yield "externalId", True
        for section in SECTIONS:
            yield from _paths(section, self.document["properties"][section], self.document)


def _paths(
    path: str, schema: Mapping[str, Any], root: Mapping[str, Any]
) -> Iterator[tuple[str, bool]]:
    """Every property at or below `path`, and whether it is a single value."""
    schema = resolve(schema, root)
    if "properties" in schema:
        for name, child in schema["properties"].items():
            deeper = f"{path}.{name}"
            yield deeper, _is_scalar(child, root)
            yield from _paths(deeper, child, root)


def _is_scalar(schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    schema = resolve(schema, root)
    return "properties" not in schema and "items" not in schema
