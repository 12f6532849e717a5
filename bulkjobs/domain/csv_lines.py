"""Lines of CSV exports without formulas.

In a line for `guarded`, texts and JSON are quoted, and nothing else is; the first cell is neither.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bulkjobs.domain.cells import REMOVES, json_text, safe_cell, safe_json
from contacthub_project.core.spreadsheet_cells import FORMULA_SIGNS

CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^,"]*))(?:,|$)')
# A text that begins with a sign of formulas: sufficient for most lines.
BEGINS_WITH_SIGN = re.compile(f',"(?=[{FORMULA_SIGNS}])')
# A sign that another separator, or a guard, makes the beginning of a cell.
SIGN_WITHIN = re.compile(
    f'[{FORMULA_SIGNS}\t\r\n](?:(?<=[,;|\t\r\n\'].)|(?<="[\t\r\n])|(?<="".))', re.DOTALL
)
# The empty text and `null`, also with leading apostrophes.
LIKE_NOTHING = (',""', f'{REMOVES}"', "'\"")


def guarded(lines: Iterable[str], is_json: Sequence[bool]) -> Iterator[str]:
    """Return the lines with formulas escaped (`safe_cell`, `safe_json`); `is_json` is by cell."""
    for line in lines:
        if SIGN_WITHIN.search(line) or any(each in line for each in LIKE_NOTHING):
            yield _guarded_cells(line, is_json)
        else:
            yield BEGINS_WITH_SIGN.sub(",\"'", line)


def _guarded_cells(line: str, is_json: Sequence[bool]) -> str:
    cells = []
    for holds_json, found in zip(is_json, CELL.finditer(line), strict=False):
        text, bare = found.groups()
        if text is None:
            cells.append(bare)
        else:
            text = text.replace('""', '"')
            cells.append(_quoted(safe_json(text) if holds_json else safe_cell(text)))
    return ",".join(cells)


def line_of(values: Sequence[Any]) -> str:
    """Return values as a line, of which the first is an id."""
    return ",".join([str(values[0]), *map(_cell, values[1:])])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return _quoted(json_text(value))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
