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
from contacthub_project.admin.help import pages_by_name
from contacthub_project.admin.model_names import shown_names
from contacthub_project.api.operations import contract
from contacthub_project.core.text import humanized
from customers.domain.refusals import RefusalOrigin, RefusalReason, RefusedEntity
from customers.models.suppression import SuppressedKind

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
    for help_text in pages_by_name().values():
        yield "contacthub_project/admin/help/pages.toml", help_text.text
    for name in shown_names():
        yield "contacthub_project/admin/model_names.py", name
    for value in [*RefusedEntity, *RefusalReason, *RefusalOrigin]:
        yield "customers/domain/refusals.py", humanized(value)
    for value in SuppressedKind.values:
        yield "customers/models/suppression.py", humanized(value)
    yield from _operations()
    yield from _properties()


def _operations() -> Iterator[tuple[str, str]]:
    """Yield the summaries of the operations that the audit log tells of."""
    for methods in contract().values():
        for operation in methods.values():
            if operation.method != "GET" or operation.is_noted:
                yield "contacthub_project/api/operations.py", operation.summary


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
