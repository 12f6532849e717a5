"""Form fields generated from a JSON Schema, and the documents that forms submit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext, gettext_lazy

from contacthub_project.admin.time_zone import with_local_time
from contacthub_project.core.text import humanized
from contacthub_project.core.timestamps import format_timestamp

DEEPEST = 6
SCALARS = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}
# Lists of customers whose elements have ids that people neither see nor write.
WITH_IDS = frozenset({"base.educations", "base.likes", "base.jobs", "base.subscriptions"})
SET_BY_API = {("base.subscriptions", "registeredAt"), ("base.subscriptions", "updatedAt")}
LABELS = {
    "dob": gettext_lazy("Date of birth"),
    "pictureUrl": gettext_lazy("Address of a picture"),
    "isCurrent": gettext_lazy("Current"),
}
FORMATS = {"date": "date", "date-time": "moment", "email": "email", "uri": "url"}


class BadValue(Exception):
    """Raised for text that the kind of a field cannot hold; the message is for people."""


@dataclass(frozen=True, slots=True)
class Field:
    """A form field: `path` is dotted, `kind` selects the widget.

    A field of the kind "rows" is a list of objects: `columns` are the fields of one, with paths
    within it, and `rows` the objects; `text` is the saved list as JSON.
    """

    path: str
    label: str
    kind: str
    choices: tuple[str, ...] = ()
    text: str = ""
    fault: str = ""
    columns: tuple[Field, ...] = ()
    rows: tuple[Row, ...] = ()

    @property
    def group(self) -> str:
        """The heading of the field's group."""
        parts = self.path.split(".")
        return " / ".join(label_of(part) for part in parts[:-1]) or gettext("General")

    @property
    def input_type(self) -> str:
        """The type of the input that holds a single value."""
        return {"moment": "datetime-local"}.get(
            self.kind, self.kind if self.kind in {"date", "password", "hidden"} else "text"
        )

    @property
    def blank(self) -> Row:
        """The row that the page copies to add one; its number is to be replaced."""
        cells = (replace(each, path=f"{self.path}.{Row.NEW}.{each.path}") for each in self.columns)
        return Row(f"{self.path}.{Row.NEW}", tuple(cells), "", may_go=True)

    @property
    def pointer(self) -> str:
        """The JSON pointer of the field in bodies of the API."""
        return "/" + self.path.replace(".", "/")


@dataclass(frozen=True, slots=True)
class Row:
    """An object of a list in a form; `path` has its number, `rest` what no cell shows, as JSON."""

    NEW: ClassVar[str] = "__number__"

    path: str
    cells: tuple[Field, ...]
    rest: str
    may_go: bool


def fields_of(schema: Mapping[str, Any], *, within: str = "") -> list[Field]:
    """Return the fields of an object's schema in order, nested objects included."""
    return list(_fields(schema, schema.get("$defs", {}), within, 0))


def read(text: str, kind: str) -> Any:
    """Return the value of a field's text; raises BadValue."""
    if not text:
        return [] if kind == "list" else None
    # int() and float() accept digits of every script, and 1_000.
    if kind in {"integer", "number"} and not re.fullmatch(r"[-+.0-9eE]+", text):
        raise BadValue(gettext("is no number"))
    try:
        if kind == "integer":
            return int(text)
        if kind == "number":
            return float(text) if re.search(r"[.eE]", text) else int(text)
        if kind == "json":
            return json.loads(text)
    except (ValueError, RecursionError):
        raise BadValue(
            {"json": gettext("is no valid JSON")}.get(kind, gettext("is no number"))
        ) from None
    if kind == "boolean":
        return text == "true"
    if kind == "list":
        return [line.strip() for line in text.split("\n") if line.strip()]
    if kind == "pairs":
        return [_pair(line) for line in text.split("\n") if line.strip()]
    return _moment(text) if kind == "moment" else text


def _pair(line: str) -> dict[str, str]:
    key, colon, value = line.partition(":")
    if not colon:
        raise BadValue(gettext("needs a colon between name and value, one pair a line"))
    return {"key": key.strip(), "value": value.strip()}


def _moment(text: str) -> str:
    """Return a moment as the API takes it; without an offset it is of the current time zone."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=get_current_timezone())
        return format_timestamp(moment)
    except (ValueError, OverflowError):
        return text  # for the API to refuse


def number(text: str) -> Any:
    """Return the integer that a text is, else the text, for the API to refuse."""
    try:
        return read(text.strip(), "integer")
    except BadValue:
        return text


def names_in(text: str) -> list[str]:
    """Return the names in a text field, which commas or white space separate."""
    return text.replace(",", " ").split()


def forced(form: Mapping[str, str]) -> dict[str, str]:
    """Return the query with `force`, if its box is checked."""
    return {"force": "true"} if form.get("force") == "on" else {}


def row_id(text: str) -> int | None:
    """Return the id of a row that a form names, None if it is none."""
    typed = number(text)
    return typed if isinstance(typed, int) and 0 < typed < 2**63 else None


def as_field_text(value: Any, kind: str) -> str:
    """Return a value as the text of a field."""
    if value is None or value == [] or value == {}:
        return ""
    if kind == "list" and isinstance(value, list):
        return "\n".join(str(each) for each in value)
    if kind == "pairs" and isinstance(value, list):
        return "\n".join(f"{each.get('key')}: {each.get('value') or ''}" for each in value)
    if kind == "moment":
        return _local(value)
    if kind == "boolean":
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, indent=1)
    return str(value)


def _local(value: Any) -> str:
    """Return a moment of a document in the current time zone, as inputs of browsers take it."""
    try:
        moment = datetime.fromisoformat(value).astimezone(get_current_timezone())
    except (TypeError, ValueError, OverflowError):
        return str(value)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds").removesuffix(".000")


def labelled_values(document: Mapping[str, Any], *, within: str = "") -> Iterator[tuple[str, str]]:
    """Yield the values of a document as pairs of label and text, without empty ones.

    Moments are shown in the zone of the page.
    """
    for name, value in document.items():
        label = f"{within} / {label_of(name)}" if within else label_of(name)
        if isinstance(value, dict):
            yield from labelled_values(value, within=label)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for number, each in enumerate(value, 1):
                yield from labelled_values(each, within=f"{label} {number}")
        elif isinstance(value, list) and value:
            yield label, ", ".join(with_local_time(each) for each in value)
        elif isinstance(value, bool):
            yield label, gettext("yes") if value else gettext("no")
        elif value not in (None, "", []):
            yield label, with_local_time(value)


def _fields(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], within: str, depth: int
) -> Iterator[Field]:
    for name, child in schema.get("properties", {}).items():
        path = f"{within}.{name}" if within else name
        meant = _resolved(child, definitions)
        if _type(meant) == "object" and meant.get("properties") and depth < DEEPEST:
            yield from _fields(meant, definitions, path, depth + 1)
        else:
            kind, choices = _kind(meant, definitions)
            yield Field(
                path,
                label_of(name),
                kind,
                choices,
                columns=tuple(_columns(meant, definitions, path)) if kind == "rows" else (),
            )


def _columns(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], path: str
) -> Iterator[Field]:
    """Yield the fields of an object of a list; what has no widget of its own is not shown."""
    items = _resolved(schema["items"], definitions)
    for each in _fields(items, definitions, "", DEEPEST - 2):
        if each.kind in {"json", "rows"} or (path, each.path) in SET_BY_API:
            continue
        is_hidden = path in WITH_IDS and each.path == "id"
        yield replace(each, kind="hidden") if is_hidden else each


def _kind(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    if "enum" in schema:
        return "choice", tuple(str(each) for each in schema["enum"] if each is not None)
    kind = _type(schema)
    if kind == "array":
        items = _resolved(schema.get("items", {}), definitions)
        names = set(items.get("properties", ()))
        if names == {"key", "value"}:
            return "pairs", ()
        return ("rows" if names else "list" if _type(items) == "string" else "json"), ()
    if kind == "string":
        return FORMATS.get(schema.get("format", ""), "text"), ()
    return SCALARS.get(kind, "json"), ()


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    for alternatives in ("anyOf", "oneOf"):
        for each in schema.get(alternatives, ()):
            if _type(each) != "null":
                return _resolved(each, definitions)
    return schema


def _type(schema: Mapping[str, Any]) -> str:
    kinds: str | list[str] = schema.get("type", "")
    if isinstance(kinds, list):
        return next((kind for kind in kinds if kind != "null"), "")
    return kinds


def put(body: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a dotted path, with the objects on the way."""
    *parents, last = path.split(".")
    for name in parents:
        body = body.setdefault(name, {})
    body[last] = value


def label_of(name: str) -> str:
    """Return the label of a property, in the language of the page if it is a built-in one."""
    return str(LABELS[name]) if name in LABELS else gettext(humanized(name))
