"""The schemas of events: built-in properties by type, with a workspace's extended properties."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any

from configuration.domain.customer_schema import kinds_below
from configuration.domain.disabled_properties import (
    EACH,
    disabled_tree,
    with_disabled_of,
    without_disabled,
)
from configuration.domain.extended_properties import disabled_paths, value_schema
from configuration.domain.schema_tree import timestamps_of, with_canonical_timestamps
from configuration.domain.validation import DocumentValidator
from configuration.domain.vocabulary import (
    CONTEXTS,
    context_schema,
    event_schema,
    tracking_schema,
    with_products_of,
)
from contacthub_project.core.errors import FieldError

# Attributes of events beside their properties, by what they hold.
SYSTEM_KINDS = {
    "id": "text",
    "externalId": "text",
    "nodeId": "text",
    "type": "text",
    "context": "text",
    "origin": "text",
    "date": "moment",
    "registeredAt": "moment",
    "updatedAt": "moment",
    "version": "number",
}


class PartSchema:
    """The schema of one part of an event: properties, context or tracking."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def read(self, value: Any, *, at: str) -> tuple[Any, list[FieldError]]:
        """Return the coerced part, and its faults with pointers below `at`."""
        return self._validator.read(value, at=at)

    def coerced(self, value: Any) -> Any:
        """Return the part in the forms that the schema names, valid or not."""
        return self._validator.coerced(value)

    def with_canonical_timestamps(self, value: Any) -> Any:
        """Return a valid part with its timestamps in UTC with milliseconds."""
        return with_canonical_timestamps(self.timestamps, value)

    @cached_property
    def _validator(self) -> DocumentValidator:
        return DocumentValidator(dict(self.document), scalars_as_text=True)

    @cached_property
    def timestamps(self) -> Any:
        """The positions of timestamps in the part (`timestamps_of`)."""
        return timestamps_of(self.document, self.document)

    def kinds(self, at: str) -> dict[str, str]:
        """Return the kinds of the properties by dotted path below `at`."""
        return kinds_below(at, self.document, self.document)


class EventSchema(PartSchema):
    """The schema of the properties of a type of event in a workspace.

    `extended` and `product_extended` are definitions as `configuration.domain.extended_properties`
    stores them. The latter apply to the products of an event or, for types about one product, to
    the event itself.
    """

    def __init__(
        self,
        event_type: str,
        extended: Mapping[str, Any] | None = None,
        product_extended: Mapping[str, Any] | None = None,
    ) -> None:
        document = copy.deepcopy(event_schema(event_type))
        extended, product_extended = extended or {}, product_extended or {}
        extended = with_products_of(event_type, extended, product_extended)
        document["properties"]["extended"] = value_schema(extended)
        if "extended" in document.get("$defs", {}):
            document["$defs"]["extended"] = value_schema(product_extended)
        self._disabled = disabled_tree(
            [("extended", *path) for path in disabled_paths(extended)]
            + [
                ("products", EACH, "extended", *path)
                for path in disabled_paths(product_extended)
                if "products" in document["properties"]
            ]
        )
        super().__init__(document)

    def read(self, value: Any, *, at: str) -> tuple[Any, list[FieldError]]:
        """Return the properties without disabled ones; otherwise as `PartSchema.read`."""
        return self._validator.read(value, at=at, prepare=self._enabled)

    def _enabled(self, value: Any) -> Any:
        return self.without_disabled(value) if isinstance(value, dict) else value

    def without_disabled(self, properties: dict[str, Any]) -> dict[str, Any]:
        """Return the properties without disabled extended ones."""
        return without_disabled(self._disabled, properties) if self._disabled else properties

    def with_disabled_of(self, before: Mapping[str, Any], after: dict[str, Any]) -> dict[str, Any]:
        """Return `after` with the values of disabled properties taken from `before`."""
        return with_disabled_of(self._disabled, before, after) if self._disabled else after

    def kind_of(self, path: str) -> str | None:
        """Return the kind of an attribute of such an event (`CustomerSchema.kind_of`)."""
        return self._kinds.get(path)

    def kinds_of_parts(self) -> Mapping[str, str]:
        """The kinds of all attributes of such an event, by dotted path."""
        return self._kinds

    @cached_property
    def _kinds(self) -> dict[str, str]:
        contexts = [context_part(name).kinds("contextInfo") for name in CONTEXTS]
        merged = {path: kind for kinds in reversed(contexts) for path, kind in kinds.items()}
        return {
            **merged,
            **tracking_part().kinds("tracking"),
            **self.kinds("properties"),
            **SYSTEM_KINDS,
        }


@cache
def context_part(context: str) -> PartSchema:
    """Return the schema of `contextInfo` in a context; it is the same in all workspaces."""
    return PartSchema(context_schema(context))


@cache
def tracking_part() -> PartSchema:
    """Return the schema of `tracking`."""
    return PartSchema(tracking_schema())


def product_extended_path(event_type: str) -> str:
    """Return the path of products' extended properties in events of a type."""
    if "products" in event_schema(event_type)["properties"]:
        return "properties.products.extended"
    return "properties.extended"


def carried_products(properties: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Return the products in the valid properties of an event."""
    products = properties.get("products")
    if isinstance(products, list):
        yield from (product for product in products if isinstance(product, dict))
    else:
        yield properties
