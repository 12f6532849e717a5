"""Named JSON Schemas of the OpenAPI document, in addition to those of serializers."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contacthub_project.api.component_names import constant_name, pascal_case

Schema = dict[str, Any]
PREFIX = "#/components/schemas/"
NULL: Schema = {"type": "null"}
TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
INTEGER: Schema = {"type": "integer"}
ID: Schema = {"type": "string", "format": "uuid"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
OPEN_OBJECT: Schema = {"type": "object", "additionalProperties": True}

_SCHEMAS: dict[str, Schema] = {}
_ENUMS: dict[frozenset[Any], str] = {}


def component(name: str, schema: Schema) -> Schema:
    """Publish a schema under a name; returns the reference to it.

    Only components that an operation refers to, directly or not, are published. Raises ValueError
    when the name has another schema already.
    """
    if _SCHEMAS.setdefault(name, schema) != schema:
        raise ValueError(f"two schemas are called {name}")
    return {"$ref": PREFIX + name}


def reference_to(name: str) -> Schema:
    """Return the reference to a schema that another module publishes."""
    return {"$ref": PREFIX + name}


def enum_component(
    name: str, values: Iterable[str], *, constants: Iterable[str] | None = None
) -> Schema:
    """Publish an enum of texts; every schema with exactly these values becomes a reference to it.

    Values that are no identifiers get `x-enum-varnames`, derived from them unless `constants` are
    given: client generators would name `GMT+0` and `GMT-0` alike.
    """
    values = list(values)
    _ENUMS[frozenset(values)] = name
    schema: Schema = {"type": "string", "enum": values}
    if constants is not None:
        schema["x-enum-varnames"] = list(constants)
    elif not all(value.isidentifier() for value in values):
        schema["x-enum-varnames"] = [constant_name(value) for value in values]
    return component(name, schema)


def number_enum_component(name: str, constants: Mapping[str, int]) -> Schema:
    """Publish an enum of integers, with the names for generated code."""
    values = list(constants.values())
    _ENUMS[frozenset(values)] = name
    return component(name, {"type": "integer", "enum": values, "x-enum-varnames": list(constants)})


def object_component(
    name: str,
    properties: dict[str, Schema],
    *,
    required: Iterable[str] | None = None,
    description: str | None = None,
    closed: bool = False,
) -> Schema:
    """Publish an object under a name.

    All its properties are required unless `required` lists them; a `closed` one has no others.
    """
    schema: Schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties if required is None else required),
    }
    if closed:
        schema["additionalProperties"] = False
    if description is not None:
        schema["description"] = description
    if not schema["required"]:
        del schema["required"]
    return component(name, schema)


def map_component(name: str, values: Schema) -> Schema:
    """Publish an object with any keys and values of one schema."""
    return component(name, {"type": "object", "additionalProperties": values})


def nullable(schema: Schema, description: str | None = None) -> Schema:
    """Return the schema of this or null."""
    described = {} if description is None else {"description": description}
    return {"anyOf": [schema, NULL], **described}


def page_object() -> Schema:
    """Return the schema of `page` in lists."""
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
    """Return the schema of `page` in lists with cursors."""
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


def page_component(
    name: str, element: Schema, elements: str, *, has_cursor: bool = False
) -> Schema:
    """Publish a page of elements; `elements` is their name in descriptions."""
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
                "page": cursor_page_object() if has_cursor else page_object(),
            },
        },
    )


def list_component(name: str, element: Schema, elements: str) -> Schema:
    """Publish a list without pages; `elements` is the elements' name in descriptions."""
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
    """Replace enums by references, and add all components that the document refers to."""
    schemas = document["components"].setdefault("schemas", {})
    pending = _references(document)
    while pending:
        name = pending.pop()
        if name in schemas:
            continue
        if name not in _SCHEMAS:
            raise ValueError(f"no schema is called {name}")
        schemas[name] = copy.deepcopy(_SCHEMAS[name])
        pending |= _references(_SCHEMAS[name])
    for part in (document["paths"], schemas):
        for key, value in part.items():
            if key not in _ENUMS.values():
                part[key] = _with_named_enums(value)
    for name in _references(document) & set(_ENUMS.values()):
        schemas[name] = copy.deepcopy(_SCHEMAS[name])
    _name_objects(document["components"]["schemas"])
    document["components"]["schemas"] = dict(sorted(schemas.items()))


def _name_objects(schemas: dict[str, Schema]) -> None:
    """Make every object inside a component a component, named after its place.

    Client generators make a class of each component, and none of inline objects.
    """
    pending = list(schemas)
    while pending:
        name = pending.pop()
        schema = schemas[name]
        for part in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())):
            for key, child in part.get("properties", {}).items():
                part["properties"][key] = _named(child, name + pascal_case(key), schemas, pending)
            for keyword, ending in (("items", "Item"), ("additionalProperties", "Value")):
                if isinstance(part.get(keyword), dict):
                    part[keyword] = _named(part[keyword], name + ending, schemas, pending)


def _named(schema: Schema, name: str, schemas: dict[str, Schema], pending: list[str]) -> Schema:
    """Return the reference to an inline object's component; other schemas with named items."""
    if isinstance(schema.get("items"), dict):
        return schema | {"items": _named(schema["items"], name, schemas, pending)}
    if not schema.get("properties"):
        return schema
    kind = schema.get("type", "object")
    whole = schema | {"type": "object"}
    if schemas.setdefault(name, whole) != whole:
        raise ValueError(f"two schemas are called {name}")
    pending.append(name)
    reference = {"$ref": PREFIX + name}
    described = {key: schema[key] for key in ("description",) if key in schema}
    if kind == "object":
        return reference | described
    return {"anyOf": [reference, NULL], **described}


def schemas_in(schema: Schema) -> Iterator[Schema]:
    """Yield the schema and all inside it, without following references."""
    yield schema
    for keyword in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(keyword, ()):
            yield from schemas_in(part)
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from schemas_in(schema[keyword])
    for part in schema.get("properties", {}).values():
        yield from schemas_in(part)


def _references(value: Any) -> set[str]:
    """Return the names of the schemas that a part of a document refers to."""
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
    if isinstance(values, list) and all(isinstance(each, str | int | None) for each in values):
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
