"""Named JSON Schemas of the OpenAPI document, beside those that serializers become."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

Schema = dict[str, Any]
PREFIX = "#/components/schemas/"
NULL: Schema = {"type": "null"}

_SCHEMAS: dict[str, Schema] = {}
_ENUMS: dict[frozenset[Any], str] = {}


def component(name: str, schema: Schema) -> Schema:
    """Publish a schema under a name; returns the reference to it.

    Only components that an operation leads to are published. Raises ValueError when the name has
    another schema already.
    """
    if _SCHEMAS.setdefault(name, schema) != schema:
        raise ValueError(f"two schemas are called {name}")
    return {"$ref": PREFIX + name}


def enum_component(name: str, values: Sequence[str], description: str) -> Schema:
    """Publish a set of values under a name: every place that lists just these refers to it."""
    _ENUMS[frozenset(values)] = name
    return component(name, {"type": "string", "enum": list(values), "description": description})


def nullable(schema: Schema, description: str | None = None) -> Schema:
    """A reference that may be null instead."""
    described = {} if description is None else {"description": description}
    return {"anyOf": [schema, NULL], **described}


def page_object() -> Schema:
    """The object of a list that says which part of it an answer holds."""
    numbers = {
        "size": "Elements on a page, as asked for or by default.",
        "totalElements": "Elements that fit; searches count at most 10000.",
        "totalUnfilteredElements": "Elements without the filters; searches count at most 10000.",
        "totalPages": "Pages of this size that hold them.",
        "number": "Number of this page, from 0.",
    }
    return component(
        "PageObject",
        {
            "type": "object",
            "description": "Which part of a list the answer holds.",
            "required": list(numbers),
            "properties": {
                name: {"type": "integer", "description": text} for name, text in numbers.items()
            },
        },
    )


def cursor_page_object() -> Schema:
    """The same of a list that can be walked by cursor."""
    following = {
        "type": ["string", "null"],
        "description": "Cursor of the page that follows, to be given as `cursor`;"
        " null when there is none.",
    }
    return component(
        "CursorPageObject",
        {
            "description": "Which part of a list the answer holds, and where it goes on.",
            "allOf": [page_object(), {"type": "object", "properties": {"next": following}}],
            "required": ["next"],
        },
    )


def page_component(name: str, element: Schema, elements: str) -> Schema:
    """A page of such elements; `elements` says what they are."""
    return component(
        name,
        {
            "type": "object",
            "description": f"A page of {elements}.",
            "required": ["elements", "page"],
            "properties": {
                "elements": {
                    "type": "array",
                    "items": element,
                    "description": f"The {elements} on this page, in the order asked for.",
                },
                "page": page_object(),
            },
        },
    )


def list_component(name: str, element: Schema, elements: str) -> Schema:
    """A list that comes whole; `elements` says what it lists."""
    return component(
        name,
        {
            "type": "object",
            "description": f"All {elements}.",
            "required": ["elements"],
            "properties": {
                "elements": {
                    "type": "array",
                    "items": element,
                    "description": f"The {elements}.",
                }
            },
        },
    )


def add_components(document: dict[str, Any]) -> None:
    """Name the sets of values and add all components that the document leads to."""
    schemas = document["components"].setdefault("schemas", {})
    pending = _references(document)
    while pending:
        name = pending.pop()
        if name in schemas:
            continue
        if name not in _SCHEMAS:
            raise ValueError(f"no schema is called {name}")
        schemas[name] = _SCHEMAS[name]
        pending |= _references(_SCHEMAS[name])
    for part in (document["paths"], schemas):
        for key, value in part.items():
            if key not in _ENUMS.values():
                part[key] = _with_named_enums(value)
    for name in _ENUMS.values():
        if name in _references(document):
            schemas[name] = _SCHEMAS[name]
    document["components"]["schemas"] = dict(sorted(schemas.items()))


def _references(value: Any) -> set[str]:
    """The names of the schemas that a part of a document refers to."""
    return {each["$ref"].removeprefix(PREFIX) for each in _objects(value) if _refers(each)}


def _refers(value: dict[str, Any]) -> bool:
    return isinstance(value.get("$ref"), str) and value["$ref"].startswith(PREFIX)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    children: Iterable[Any] = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for child in children:
            yield from _objects(child)


def _with_named_enums(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_named_enums(item) for item in value]
    if not isinstance(value, dict):
        return value
    values = value.get("enum")
    if isinstance(values, list) and all(isinstance(each, str | None) for each in values):
        name = _ENUMS.get(frozenset(values) - {None, ""})
        if name is not None:
            return _reference_to(name, value)
    return {key: _with_named_enums(child) for key, child in value.items()}


def _reference_to(name: str, schema: Schema) -> Schema:
    reference: Schema = {"$ref": PREFIX + name}
    beside: Schema = {key: schema[key] for key in ("description", "default") if key in schema}
    if None in schema["enum"] or "null" in schema.get("type", ()):
        return {"anyOf": [reference, NULL], **beside}
    return reference | beside
