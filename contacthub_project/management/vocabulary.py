"""Words of pages that no call of gettext names: they are in files of data, or made from names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.vocabulary import (
    CONTEXTS,
    EVENT_CATEGORIES,
    EVENT_TYPES,
    context_schema,
    event_schema,
)
from contacthub_project.admin.help import helps
from contacthub_project.core.text import humanized

CATALOGUE = "configuration/domain/catalogue"


def words() -> Iterator[tuple[str, str]]:
    """Yield the file and the English of each word."""
    for event in EVENT_TYPES.values():
        yield f"{CATALOGUE}/event_types.json", event.label
    for category in EVENT_CATEGORIES:
        yield f"{CATALOGUE}/event_categories.json", category["label"]
    for context in CONTEXTS.values():
        yield f"{CATALOGUE}/contexts.json", context["label"]
        yield f"{CATALOGUE}/contexts.json", context["label"].removesuffix(" event")
    for help_text in helps().values():
        yield "contacthub_project/admin/help/pages.toml", help_text.text
    yield from _properties()


def _properties() -> Iterator[tuple[str, str]]:
    """Yield the labels of properties of customers and events, which are made from their names."""
    schemas: dict[str, Any] = {f"{CATALOGUE}/customer.json": CustomerSchema().document}
    schemas |= {f"{CATALOGUE}/events/{name}.json": event_schema(name) for name in EVENT_TYPES}
    schemas |= {f"{CATALOGUE}/contexts/{name}.json": context_schema(name) for name in CONTEXTS}
    for path, schema in schemas.items():
        for name in sorted(set(_names(schema))):
            yield path, humanized(name)


def _names(schema: Any) -> Iterator[str]:
    """Yield the names of properties anywhere in a JSON Schema."""
    if isinstance(schema, list):
        for each in schema:
            yield from _names(each)
    elif isinstance(schema, dict):
        for keyword, value in schema.items():
            if keyword == "properties":
                yield from value
            yield from _names(value)
