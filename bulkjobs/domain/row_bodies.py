"""What a row says as nested objects, and where in a file something of such an object stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bulkjobs.domain.cells import CellRules, lost_digits
from bulkjobs.domain.columns import SUBSCRIPTIONS, Column
from bulkjobs.domain.faults import BadRow
from contacthub_project.core.error_codes import Code
from contacthub_project.core.errors import FieldError

DIGITS_LOST: Code = "digitsLost"


@dataclass(slots=True)
class RowReading:
    """What a row says, and what its sender should look at."""

    body: dict[str, Any] = field(default_factory=dict)
    warnings: list[FieldError] = field(default_factory=list)


def read_row(columns: Sequence[Column], cells: Sequence[str], rules: CellRules) -> RowReading:
    """What a row says; cells that are empty or missing say nothing.

    Raises BadRow with every faulty cell. Columns of which one lies within the other, such as
    `base.subscriptions` and `base.subscriptions.news.subscribed`, say together what they say, in
    whichever order they stand; where they contradict each other the row is faulty.
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
            _put(found.body, column.path, rules.value(cell, column.kind))
        except _Contradiction:
            wider = [each.name for each in columns if column.path.startswith(f"{each.path}.")]
            message = f"contradicts column {wider[-1]}" if wider else "contradicts another column"
            errors.append((column.position, FieldError(column.name, message, "contradiction")))
        except ValueError as fault:
            errors.append((column.position, FieldError(column.name, str(fault), "cell")))
        else:
            if column.kind == "text" and lost_digits(cell):
                message = "is in scientific notation: its last digits are lost"
                found.warnings.append(FieldError(column.name, message, DIGITS_LOST))
    faults = [error for _, error in sorted(errors, key=lambda each: each[0])]
    if faults:
        raise BadRow(faults, found.body)
    return found


def check_width(cells: Sequence[str], *, width: int, unnamed: Collection[int]) -> None:
    """Raises BadRow for a row with a value beyond `width` columns, or at one that is `unnamed`."""
    if len(cells) <= width and not unnamed:
        return
    for position, cell in enumerate(cells):
        if cell.strip() and (position >= width or position in unnamed):
            message = f"cell {position + 1} has a value and its column no name"
            raise BadRow([FieldError("", message, "cells")], {})


def place_of(pointer: str, body: Mapping[str, Any]) -> str:
    """The dotted path of a JSON pointer into a row's body, with subscriptions by their id."""
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
    """The path of the column that says what a body has at a place, or one that says a part of it.

    Of a place that no column speaks of: the place.
    """
    within = [name for name in columns if place == name or place.startswith(f"{name}.")]
    if within:
        return max(within, key=len)
    return next((name for name in columns if name.startswith(f"{place}.")), place)


class _Contradiction(ValueError):
    """Two columns of a row give different values for one property."""


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    """Say `value` at the place that a column names; raises _Contradiction."""
    *parents, last = name.split(".")
    level: Any = body
    if name.startswith(f"{SUBSCRIPTIONS}.") and len(parents) == 3:
        level = _subscription(body, parents[2])
    else:
        for parent in parents:
            level = level.setdefault(parent, {})
            if not isinstance(level, dict):
                raise _Contradiction
    _say(level, last, value)


def _subscription(body: dict[str, Any], subscription_id: str) -> dict[str, Any]:
    """The subscription of a row's body with an id, put there when it is missing."""
    given = body.setdefault("base", {}).setdefault("subscriptions", [])
    if not isinstance(given, list):
        raise _Contradiction
    for each in given:
        if isinstance(each, dict) and each.get("id") == subscription_id:
            return each
    added: dict[str, Any] = {"id": subscription_id}
    given.append(added)
    return added


def _say(level: dict[str, Any], name: str, value: Any) -> None:
    """Set a property, or add to what a wider column has said of it already."""
    if name not in level:
        level[name] = value
    elif isinstance(level[name], dict) and isinstance(value, dict):
        for inner, said in value.items():
            _say(level[name], inner, said)
    elif level[name] != value or isinstance(level[name], bool) is not isinstance(value, bool):
        raise _Contradiction
