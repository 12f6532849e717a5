"""Converts what clients write in other forms than a JSON Schema names.

- `[]` in the place of an object becomes `{}`: PHP writes an empty array so.
- An object whose keys are array indexes (`{"1": "b", "0": "a"}`) in the place of a list becomes
  the list in the order of its keys: PHP writes an array with gaps so. `{}` becomes `[]`.
- A date-time may be milliseconds since 1970, as a number or as text.
- Space around an e-mail address is removed.
- With `scalars_as_text`: text that is exactly a JSON number or boolean becomes it.

Only values that the schema refuses are converted; a valid document is returned as the same object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from configuration.domain.schema_tree import resolve
from contacthub_project.core.array_forms import as_list, as_object
from contacthub_project.core.strict_json import number_in
from contacthub_project.core.timestamps import format_timestamp, is_timestamp, timestamp_of

BOOLEANS = {"true": True, "false": False}


def coerce(schema: Mapping[str, Any], document: Any, *, scalars_as_text: bool = False) -> Any:
    """Return the document in the form that the schema names, as far as the rules above reach.

    Returns the same object when nothing changes; what fits no rule is left for validation.
    """
    return _Coercion(schema, scalars_as_text).coerced(schema, document)


@dataclass(frozen=True, slots=True)
class _Coercion:
    root: Mapping[str, Any]
    scalars_as_text: bool

    def coerced(self, schema: Mapping[str, Any], value: Any) -> Any:
        schema = _resolved_schema(schema, self.root)
        types = schema.get("type", ())
        types = (types,) if isinstance(types, str) else types
        if isinstance(value, list):
            if "object" in types and "array" not in types:
                return as_object(value)
            return self._items(schema, value)
        if isinstance(value, dict):
            if "array" in types and "object" not in types:
                listed = as_list(value)
                return self._items(schema, listed) if isinstance(listed, list) else value
            return self._properties(schema, value)
        if value is None or isinstance(value, bool):
            return value
        return self._scalar(schema, types, value)

    def _items(self, schema: Mapping[str, Any], value: list[Any]) -> list[Any]:
        if "items" not in schema:
            return value
        items = [self.coerced(schema["items"], each) for each in value]
        is_same = all(new is old for new, old in zip(items, value, strict=True))
        return value if is_same else items

    def _properties(self, schema: Mapping[str, Any], value: dict[str, Any]) -> dict[str, Any]:
        known = schema.get("properties", {})
        changed = {}
        for name, child in value.items():
            if name in known:
                new = self.coerced(known[name], child)
                if new is not child:
                    changed[name] = new
        return value | changed if changed else value

    def _scalar(self, schema: Mapping[str, Any], types: Sequence[str], value: Any) -> Any:
        if schema.get("format") == "date-time":
            if isinstance(value, str) and is_timestamp(value):
                return value
            moment = timestamp_of(value)
            return value if moment is None else format_timestamp(moment)
        if not isinstance(value, str):
            return value
        if schema.get("format") == "email":
            stripped = value.strip()
            return value if stripped == value else stripped
        if self.scalars_as_text and types and "string" not in types:
            return _scalar_in(value, types)
        return value


def _scalar_in(text: str, types: Sequence[str]) -> Any:
    """Return the number or boolean that the text is in JSON, else the text."""
    if "boolean" in types and text in BOOLEANS:
        return BOOLEANS[text]
    if "number" in types or "integer" in types:
        number = number_in(text)
        return text if number is None else number
    return text


def _resolved_schema(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow `$ref`, and of two alternatives one of which is null take the other."""
    schema = resolve(schema, root)
    for each in schema.get("oneOf", ()):
        each = resolve(each, root)
        if each.get("type") != "null":
            return each
    return schema
