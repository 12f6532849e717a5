"""Documents in forms: the fields filled from one, and what a submitted form changes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from contacthub_project.admin.form_fields import (
    WITH_IDS,
    BadValue,
    Field,
    Row,
    as_field_text,
    put,
    read,
)
from contacthub_project.core.identifiers import new_id
from customers.domain.paths import value_at

MOST_ROWS = 200
# A list whose elements merge by id: what is not sent stays, and null removes a value.
MERGED = "base.subscriptions"
MANAGED = ("registeredAt", "updatedAt")  # of its elements; set by the API
TO_REMOVE = "remove"
REST = "rest"  # of a row: what no column shows, as JSON
Faults = dict[str, str]


def filled(fields: list[Field], document: Mapping[str, Any]) -> list[Field]:
    """Return the fields with the values of a document, without passwords."""
    return [
        each if each.kind == "password" else _filled(each, value_at(document, each.path))
        for each in fields
    ]


def _filled(field: Field, value: Any) -> Field:
    if field.kind != "rows":
        return replace(field, text=as_field_text(value, field.kind))
    elements = [each for each in value or [] if isinstance(each, dict)]
    rows = tuple(_row(field, number, each) for number, each in enumerate(elements))
    return replace(field, rows=rows, text=as_field_text(elements, "json"))


def _row(field: Field, number: int, element: Mapping[str, Any]) -> Row:
    rest = json.loads(json.dumps(element))
    cells = []
    for column in field.columns:
        value = value_at(element, column.path)
        _take_out(rest, column.path)
        cells.append(replace(_cell(field, number, column), text=as_field_text(value, column.kind)))
    known = {name: value for name, value in rest.items() if name not in MANAGED}
    return Row(
        f"{field.path}.{number}", tuple(cells), json.dumps(_pruned(known)), field.path != MERGED
    )


def as_typed(fields: list[Field], form: Mapping[str, str]) -> list[Field]:
    """Return the fields with the submitted text."""
    return [
        each
        if each.kind == "password"
        else replace(each, rows=tuple(_typed_rows(each, form)))
        if each.kind == "rows" and each.path in form
        else replace(each, text=form.get(each.path, each.text))
        for each in fields
    ]


def changes(fields: list[Field], form: Mapping[str, str]) -> tuple[dict[str, Any], Faults]:
    """Return what a form changes as a nested document, and the faults by path.

    A field that was emptied is null, which removes its value. Lists of objects are sent whole when
    one of their rows has changed, and merged ones with the rows that have.
    """
    body: dict[str, Any] = {}
    faults: Faults = {}
    for each in fields:
        if each.path not in form:
            continue
        if each.kind == "rows":
            elements, wrong = _elements(each, form)
            faults |= wrong
            if elements is not None:
                put(body, each.path, elements)
            continue
        text = form[each.path].replace("\r\n", "\n").strip()
        if text == each.text.strip():
            continue
        try:
            put(body, each.path, read(text, each.kind))
        except BadValue as fault:
            faults[each.path] = str(fault)
    return body, faults


def texts(fields: list[Field]) -> str:
    """Return the fields' texts as JSON, for `touched` to compare with what comes back."""
    return json.dumps({each.path: each.text for each in fields if each.kind != "password"})


def touched(fields: list[Field], form: Mapping[str, str], was: str) -> dict[str, str]:
    """Return what a form has of the fields that a person has changed in it.

    `was` are the texts that the form was filled with, as `texts` returned them. Without it, as in a
    form that was tampered with, every field counts.
    """
    try:
        before = json.loads(was)
    except (ValueError, RecursionError):
        before = None
    if not isinstance(before, dict):
        return dict(form.items())
    kept = dict(form.items())  # of a QueryDict, the values
    for each in fields:
        text = before.get(each.path)
        if each.path in form and isinstance(text, str) and _is_same(each, text, form):
            del kept[each.path]
    return kept


def _is_same(field: Field, text: str, form: Mapping[str, str]) -> bool:
    if field.kind != "rows":
        return form[field.path].replace("\r\n", "\n").strip() == text.strip()
    try:
        elements, faults = _elements(replace(field, text=text), form)
    except (ValueError, RecursionError, AttributeError, TypeError, KeyError):
        return False
    return elements is None and not faults


def _elements(field: Field, form: Mapping[str, str]) -> tuple[list[Any] | None, Faults]:
    """Return the elements that the rows are, None when nothing has changed; and their faults."""
    saved = [_pruned(each) for each in json.loads(field.text or "[]")]
    faults: Faults = {}
    elements = []
    for row in _typed_rows(field, form):
        element, wrong = _element(row)
        faults |= wrong
        if field.path in WITH_IDS and not element.get("id"):
            element["id"] = str(new_id())
        elements.append(element)
    if field.path == MERGED:
        return _merged(saved, elements) or None, faults
    return (None if elements == saved else elements), faults


def _merged(saved: list[Any], elements: list[Any]) -> list[Any]:
    """Return the changed elements, with null for values that were removed."""
    known = {each["id"]: _without(each, MANAGED) for each in saved}
    changed = []
    for each in elements:
        before = known.get(each["id"])
        if before is None:
            changed.append({"subscribed": False} | each)
        elif each != before:
            changed.append({name: None for name in before if name not in each} | each)
    return changed


def _element(row: Row) -> tuple[dict[str, Any], Faults]:
    faults: Faults = {}
    try:
        rest = json.loads(row.rest or "{}")
    except (ValueError, RecursionError):
        rest = {}
    element: dict[str, Any] = rest if isinstance(rest, dict) else {}
    for cell in row.cells:
        text = cell.text.replace("\r\n", "\n").strip()
        try:
            value = read(text, cell.kind)
        except BadValue as fault:
            faults[cell.path] = str(fault)
            continue
        if value not in (None, []):
            put(element, cell.path.removeprefix(f"{row.path}."), value)
    return element, faults


def _typed_rows(field: Field, form: Mapping[str, str]) -> Iterator[Row]:
    """Yield the rows of a form, numbered anew, without those to be removed and empty ones."""
    named = re.compile(re.escape(field.path) + rf"\.([0-9]{{1,4}})\.{REST}")
    numbers = sorted({int(found[1]) for name in form if (found := named.fullmatch(name))})
    count = 0
    for number in numbers[:MOST_ROWS]:
        place = f"{field.path}.{number}"
        rest = form[f"{place}.{REST}"]
        texts = [form.get(f"{place}.{column.path}", "") for column in field.columns]
        is_empty = not rest and not any(text.strip() for text in texts)
        if is_empty or form.get(f"{place}.{TO_REMOVE}") == "on":
            continue
        cells = [
            replace(_cell(field, count, column), text=text)
            for column, text in zip(field.columns, texts, strict=True)
        ]
        may_go = not rest or field.path != MERGED
        yield Row(f"{field.path}.{count}", tuple(cells), rest, may_go)
        count += 1


def _cell(field: Field, number: int, column: Field) -> Field:
    return replace(column, path=f"{field.path}.{number}.{column.path}")


def _take_out(element: dict[str, Any], path: str) -> None:
    *parents, last = path.split(".")
    for name in parents:
        child = element.get(name)
        if not isinstance(child, dict):
            return
        element = child
    element.pop(last, None)


def _pruned(value: Any) -> Any:
    """Return a value without nothing: null, and what is empty or holds only such."""
    if isinstance(value, dict):
        pruned = {name: _pruned(child) for name, child in value.items()}
        return {name: child for name, child in pruned.items() if child not in (None, [], {})}
    return value


def _without(element: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in element.items() if name not in names}
