"""Form fields generated from a JSON Schema, and the documents that forms submit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

DEEPEST = 6
SCALARS = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}
FORMATS = {"date": "date", "date-time": "moment", "email": "email", "uri": "url"}


class BadValue(Exception):
    """Raised for text that the kind of a field cannot hold; the message is for people."""


@dataclass(frozen=True, slots=True)
class Field:
    """A form field: `path` is dotted, `kind` selects the widget."""

    path: str
    label: str
    kind: str
    choices: tuple[str, ...] = ()
    text: str = ""
    fault: str = ""

    @property
    def group(self) -> str:
        """The heading of the field's group."""
        parts = self.path.split(".")
        return " / ".join(_words(part) for part in parts[:-1]) or "General"

    @property
    def pointer(self) -> str:
        """The JSON pointer of the field in bodies of the API."""
        return "/" + self.path.replace(".", "/")


def fields_of(schema: Mapping[str, Any], *, within: str = "") -> list[Field]:
    """Return the fields of an object's schema in order, nested objects included."""
    return list(_fields(schema, schema.get("$defs", {}), within, 0))


def filled(fields: list[Field], document: Mapping[str, Any]) -> list[Field]:
    """Return the fields with the values of a document."""
    return [replace(each, text=written(_at(document, each.path), each.kind)) for each in fields]


def changes(fields: list[Field], form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what a form changes as a nested document, and the faults by path.

    A field that was emptied is null, which removes its value.
    """
    body: dict[str, Any] = {}
    faults = {}
    for each in fields:
        text = form.get(each.path, "").replace("\r\n", "\n").strip()
        if each.path not in form or text == each.text.strip():
            continue
        try:
            _put(body, each.path, read(text, each.kind))
        except BadValue as fault:
            faults[each.path] = str(fault)
    return body, faults


def as_typed(fields: list[Field], form: Mapping[str, str]) -> list[Field]:
    """Return the fields with the submitted text."""
    return [replace(each, text=form.get(each.path, each.text)) for each in fields]


def grouped(fields: list[Field], faults: Mapping[str, str]) -> list[tuple[str, list[Field]]]:
    """Return the fields by group, each with its fault."""
    groups: dict[str, list[Field]] = {}
    for each in fields:
        fault = faults.get(each.path) or faults.get(each.pointer) or ""
        groups.setdefault(each.group, []).append(replace(each, fault=fault))
    return list(groups.items())


def read(text: str, kind: str) -> Any:
    """Return the value of a field's text; raises BadValue."""
    if not text:
        return [] if kind == "list" else None
    # int() and float() accept digits of every script, and 1_000.
    if kind in {"integer", "number"} and not re.fullmatch(r"[-+.0-9eE]+", text):
        raise BadValue("is no number")
    try:
        if kind == "integer":
            return int(text)
        if kind == "number":
            return float(text) if re.search(r"[.eE]", text) else int(text)
        if kind == "json":
            return json.loads(text)
    except (ValueError, RecursionError):
        raise BadValue({"json": "is no valid JSON"}.get(kind, "is no number")) from None
    if kind == "boolean":
        return text == "true"
    if kind == "list":
        return [line.strip() for line in text.split("\n") if line.strip()]
    return text


def number(text: str) -> Any:
    """Return the integer that a text is, else the text, for the API to refuse."""
    try:
        return read(text.strip(), "integer")
    except BadValue:
        return text


def row_id(text: str) -> int | None:
    """Return the id of a row that a form names, None if it is none."""
    typed = number(text)
    return typed if isinstance(typed, int) and 0 < typed < 2**63 else None


def written(value: Any, kind: str) -> str:
    """Return a value as the text of a field."""
    if value is None or value == [] or value == {}:
        return ""
    if kind == "list" and isinstance(value, list):
        return "\n".join(str(each) for each in value)
    if kind == "boolean":
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, indent=1)
    return str(value)


def shown(document: Mapping[str, Any], *, within: str = "") -> Iterator[tuple[str, str]]:
    """Yield the values of a document as pairs of label and text, without empty ones."""
    for name, value in document.items():
        label = f"{within} / {_words(name)}" if within else _words(name)
        if isinstance(value, dict):
            yield from shown(value, within=label)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for number, each in enumerate(value, 1):
                yield from shown(each, within=f"{label} {number}")
        elif isinstance(value, list) and value:
            yield label, ", ".join(str(each) for each in value)
        elif isinstance(value, bool):
            yield label, "yes" if value else "no"
        elif value not in (None, "", []):
            yield label, str(value)


def _fields(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], within: str, depth: int
) -> Iterator[Field]:
    for name, child in schema.get("properties", {}).items():
        path = f"{within}.{name}" if within else name
        meant = _meant(child, definitions)
        if _type(meant) == "object" and meant.get("properties") and depth < DEEPEST:
            yield from _fields(meant, definitions, path, depth + 1)
        else:
            yield Field(path, _words(name), *_kind(meant, definitions))


def _kind(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    if "enum" in schema:
        return "choice", tuple(str(each) for each in schema["enum"] if each is not None)
    kind = _type(schema)
    if kind == "array":
        items = _type(_meant(schema.get("items", {}), definitions))
        return ("list" if items == "string" else "json"), ()
    if kind == "string":
        return FORMATS.get(schema.get("format", ""), "text"), ()
    return SCALARS.get(kind, "json"), ()


def _meant(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    for alternatives in ("anyOf", "oneOf"):
        for each in schema.get(alternatives, ()):
            if _type(each) != "null":
                return _meant(each, definitions)
    return schema


def _type(schema: Mapping[str, Any]) -> str:
    kinds: str | list[str] = schema.get("type", "")
    if isinstance(kinds, list):
        return next((kind for kind in kinds if kind != "null"), "")
    return kinds


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document


def _put(body: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        body = body.setdefault(name, {})
    body[last] = value


def _words(name: str) -> str:
    """Return `firstName` as `First name`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()
    return spaced[:1].upper() + spaced[1:]
