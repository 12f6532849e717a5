"""Converts a row to nested objects, and positions in such an object to columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bulkjobs.domain.cells import CellRules, has_lost_digits
from bulkjobs.domain.columns import SUBSCRIPTIONS, Column
from bulkjobs.domain.faults import BadRow
from contacthub_project.core.error_codes import Code
from contacthub_project.core.errors import FieldError

DIGITS_LOST: Code = "digitsLost"


@dataclass(slots=True)
class RowReading:
    """The content of a row, and its warnings."""

    body: dict[str, Any] = field(default_factory=dict)
    warnings: list[FieldError] = field(default_factory=list)


def read_row(columns: Sequence[Column], cells: Sequence[str], rules: CellRules) -> RowReading:
    """Return the content of a row; empty and missing cells have no value.

    Raises BadRow with every faulty cell. Columns of which one is within the other, such as
    `base.subscriptions` and `base.subscriptions.news.subscribed`, are combined in any order; where
    they contradict each other the row is faulty.
    """
    errors: list[tuple[int, FieldError]] = []
    found = RowReading()
    read = set()
    for column in columns:
        read.add(column.position)
        cell = cells[column.position] if column.position < len(cells) else ""
        if rules.is_empty(cell):
            continue
        try:
            if "\0" in cell:
                raise ValueError("holds a character that cannot be stored")
            _set_at_column(found.body, column.path, rules.value(cell, column.kind))
        except _Contradiction:
            wider = [each.name for each in columns if column.path.startswith(f"{each.path}.")]
            message = f"contradicts column {wider[-1]}" if wider else "contradicts another column"
            errors.append((column.position, FieldError(column.name, message, "contradiction")))
        except ValueError as fault:
            errors.append((column.position, FieldError(column.name, str(fault), "cell")))
        else:
            if column.kind == "text" and has_lost_digits(cell):
                message = "is in scientific notation: its last digits are lost"
                found.warnings.append(FieldError(column.name, message, DIGITS_LOST))
    faults = [error for _, error in sorted(errors, key=lambda each: each[0])]
    if faults:
        raise BadRow(faults, found.body)
    return found


def check_width(cells: Sequence[str], *, width: int, unnamed: Collection[int]) -> None:
    """Raise BadRow for a row with a value beyond `width` columns, or in one that is `unnamed`."""
    if len(cells) <= width and not unnamed:
        return
    for position, cell in enumerate(cells):
        if cell.strip() and (position >= width or position in unnamed):
            message = f"cell {position + 1} has a value and its column no name"
            raise BadRow([FieldError("", message, "cells")], {})


def place_of(pointer: str, body: Mapping[str, Any]) -> str:
    """Return the dotted path of a JSON pointer into a row's body; subscriptions by their id."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if parts[:2] == SUBSCRIPTIONS.split(".") and len(parts) > 2:
        base = body.get("base")
        subscriptions = base.get("subscriptions") if isinstance(base, dict) else None
        given = subscriptions if isinstance(subscriptions, list) else []
        index = int(parts[2]) if parts[2].isdecimal() else len(given)
        if index < len(given) and isinstance(given[index], dict) and "id" in given[index]:
            parts[2] = str(given[index]["id"])
    return ".".join(parts)


def column_of(place: str, columns: Collection[str]) -> str:
    """Return the path of the column of a place in a body, or of a part of it.

    Without such a column, the place.
    """
    within = [name for name in columns if place == name or place.startswith(f"{name}.")]
    if within:
        return max(within, key=len)
    return next((name for name in columns if name.startswith(f"{place}.")), place)


class _Contradiction(ValueError):
    """Two columns of a row give different values for one property."""


def _set_at_column(body: dict[str, Any], name: str, value: Any) -> None:
    """Set `value` at the place of a column; raises _Contradiction."""
    parents, last, is_of_subscription = _parts_of(name)
    level: Any = body
    if is_of_subscription:
        level = _subscription(body, parents[2])
    else:
        for parent in parents:
            level = level.setdefault(parent, {})
            if not isinstance(level, dict):
                raise _Contradiction
    _set(level, last, value)


@lru_cache(maxsize=4096)
def _parts_of(name: str) -> tuple[Sequence[str], str, bool]:
    """The parents and the last part of a column's path, and whether it is of one subscription."""
    *parents, last = name.split(".")
    return parents, last, name.startswith(f"{SUBSCRIPTIONS}.") and len(parents) == 3


def _subscription(body: dict[str, Any], subscription_id: str) -> dict[str, Any]:
    """Return the subscription of a row's body with an id, added when it is missing."""
    given = body.setdefault("base", {}).setdefault("subscriptions", [])
    if not isinstance(given, list):
        raise _Contradiction
    for each in given:
        if isinstance(each, dict) and each.get("id") == subscription_id:
            return each
    added: dict[str, Any] = {"id": subscription_id}
    given.append(added)
    return added


def _set(level: dict[str, Any], name: str, value: Any) -> None:
    """Set a property, or add to what a wider column has said of it already."""
    if name not in level:
        level[name] = value
    elif isinstance(level[name], dict) and isinstance(value, dict):
        for inner, inner_value in value.items():
            _set(level[name], inner, inner_value)
    elif level[name] != value or isinstance(level[name], bool) is not isinstance(value, bool):
        raise _Contradiction
