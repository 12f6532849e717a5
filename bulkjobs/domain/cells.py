"""Reads and writes cells, by the type of their property, strictly or leniently."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from configuration.domain.customer_schema import LIST_OF
from contacthub_project.core.errors import Invalid
from contacthub_project.core.spreadsheet_cells import (
    BEGINS_CELL,
    FORMULA,
    FORMULA_SIGNS,
    guarded_cell,
)
from contacthub_project.core.strict_json import parse_json
from contacthub_project.core.timestamps import parse_timestamp

REMOVES = "null"
NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,400})?([eE][+-]?\d{1,3})?", re.ASCII)
LENIENT_NUMBER = re.compile(r"[+-]?(\d{1,18}\.?\d{0,400}|\.\d{1,400})([eE][+-]?\d{1,3})?", re.ASCII)
# `1.234` is either 1234 or 1.234, depending on the decimal mark.
AMBIGUOUS_POINT = re.compile(r"[+-]?\d{1,3}\.\d{3}", re.ASCII)
# Scientific notation, which spreadsheets write for many digits, such as phone numbers.
SCIENTIFIC = re.compile(r"[+-]?\d([.,]\d+)?E\+\d{2,3}", re.ASCII)
EXCEL_TEXT = re.compile(r'="(.*)"', re.DOTALL)
EMPTIES = frozenset({"", "n/a", "null", "nan", "\\n", "#n/a", "-"})
TRUE = frozenset({"true", "yes", "y", "si", "s", "oui", "ja", "1", "vero", "wahr", "vrai", "on"})
FALSE = frozenset({"false", "no", "n", "non", "nein", "0", "falso", "falsch", "faux", "off"})
# The signs of a formula within JSON, where they occur in texts only.
JSON_FORMULA = re.compile(f"(?<=[,;|])[{FORMULA_SIGNS}]")
# A quote after a separator begins a cell for programs that separate there.
BARE_FORMULA = re.compile(f'{BEGINS_CELL}(?="*{FORMULA})')
GUARDED = re.compile(f"{BEGINS_CELL}'(?=[\"']*{FORMULA})")
DAY = re.compile(
    r"(?P<first>\d{1,4})(?P<sign>[-/.])(?P<second>\d{1,2})(?P=sign)(?P<third>\d{1,4})"
    r"(?:[T ]+(?P<time>\S.*))?",
    re.ASCII,
)
TIME = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?P<fraction>\.\d{1,9})?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)? ?(?P<offset>[Zz]|UTC|GMT|[+-]\d\d:?(?:\d\d)?)?",
    re.ASCII,
)
MIDNIGHT = "T00:00:00Z"


class DateOrder(StrEnum):
    """The order of day, month and year in dates that do not begin with the year."""

    DMY = "DMY"
    MDY = "MDY"
    YMD = "YMD"


class DecimalMark(StrEnum):
    """The decimal mark of numbers; thousands are never separated."""

    POINT = "."
    COMMA = ","
    # For files with semicolons or tabs without the option: `1.234` is refused.
    UNDETERMINED = "undetermined"
    # For workbooks, whose numbers have a point, and whose texts a comma.
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class CellRules:
    """The rules for reading the cells of a file."""

    is_lenient: bool = False
    date_order: DateOrder | None = None
    decimal_mark: DecimalMark = DecimalMark.POINT

    def as_json(self) -> dict[str, Any]:
        """The rules as `from_json` reads them."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> CellRules:
        order = document["date_order"]
        return cls(
            document["is_lenient"],
            None if order is None else DateOrder(order),
            DecimalMark(document["decimal_mark"]),
        )

    def is_empty(self, cell: str) -> bool:
        """Return whether a cell has no value."""
        return cell.strip().lower() in EMPTIES if self.is_lenient else cell == ""

    def value(self, cell: str, kind: str) -> Any:
        """Return the value of a cell of a kind; raises ValueError with the fault."""
        if self.is_lenient:
            cell = cell.strip()
        elif cell == REMOVES:
            return None
        if kind.startswith(LIST_OF):
            return self._list(cell, kind.removeprefix(LIST_OF))
        if kind == "object":
            found = _json(cell)
            if not isinstance(found, dict):
                raise ValueError("must be a JSON object")
            return found
        return self._scalar(cell, kind)

    def _list(self, cell: str, kind: str) -> list[Any]:
        if cell.lstrip().startswith("["):
            found = _json(cell)
            if not isinstance(found, list):
                raise ValueError("must be a JSON list")
            return found
        if kind == "object":
            raise ValueError("must be a JSON list")
        return [self._scalar(part, kind) for part in cell.split("|") if part != ""]

    def _scalar(self, cell: str, kind: str) -> Any:
        if kind == "number":
            return self._number(_unwrapped(cell) if self.is_lenient else cell.strip())
        if kind == "boolean":
            return self._boolean(cell.strip().lower())
        if not self.is_lenient:
            return plain_text(cell)
        cell = _unwrapped(cell.strip())
        if kind in {"date", "moment"}:
            return self._date(cell, is_moment=kind == "moment")
        return cell

    def _boolean(self, text: str) -> bool:
        if text in ("true", "false"):
            return text == "true"
        if not self.is_lenient:
            raise ValueError("must be true or false")
        bare = _without_marks(text)
        if bare in TRUE or bare in FALSE:
            return bare in TRUE
        raise ValueError("must be yes or no, true or false, 1 or 0")

    def _number(self, text: str) -> int | float:
        mark = self.decimal_mark
        if mark is DecimalMark.UNDETERMINED and AMBIGUOUS_POINT.fullmatch(text):
            raise ValueError("may be a thousand: name the decimal mark of the file")
        if "," in text and "." in text:
            raise ValueError("must be a number without separators of thousands")
        if "," in text and mark is not DecimalMark.POINT:
            text = text.replace(",", ".", 1)
        elif "." in text and mark is DecimalMark.COMMA:
            raise ValueError("must be a number with a decimal comma")
        pattern = LENIENT_NUMBER if self.is_lenient else NUMBER
        if not pattern.fullmatch(text):
            raise ValueError("must be a number")
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)

    def _date(self, text: str, *, is_moment: bool) -> str:
        """Return a date, or a moment, in the API's form.

        Invalid text is returned for validation.
        """
        found = DAY.fullmatch(text)
        if found is None:
            return text
        day = self._day(found)
        if found["time"] is None:
            return day
        time = TIME.fullmatch(found["time"].strip())
        if time is None:
            raise ValueError("must be a date, with a time such as 10:30:00")
        moment = day + _time(time)
        if is_moment:
            return moment
        if parse_timestamp(moment) != parse_timestamp(day + MIDNIGHT):
            raise ValueError("must be a date without a time")
        return day

    def _day(self, found: re.Match[str]) -> str:
        parts = (found["first"], found["second"], found["third"])
        if len(parts[0]) == 4:
            order = DateOrder.YMD
        elif len(parts[2]) != 4:
            raise ValueError("must be a date with a year of four digits")
        elif self.date_order is None or self.date_order is DateOrder.YMD:
            raise ValueError("may be a day and a month or the reverse: name the order of dates")
        else:
            order = self.date_order
        named = dict(zip(order, parts, strict=True))
        try:
            return date(int(named["Y"]), int(named["M"]), int(named["D"])).isoformat()
        except ValueError:
            raise ValueError(f"is no day of the calendar, read as {order}") from None


def _time(found: re.Match[str]) -> str:
    hour = int(found["hour"])
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("must be a date with a time that exists")
        hour = hour % 12 + (12 if found["half"] in "pP" else 0)
    offset = found["offset"] or "Z"
    offset = "Z" if offset in {"z", "UTC", "GMT"} else offset
    fraction = found["fraction"] or ""
    return f"T{hour:02d}:{found['minute']}:{found['second'] or '00'}{fraction}{offset}"


def has_lost_digits(cell: str) -> bool:
    """Whether a spreadsheet has made a number of a text, and its last digits are lost."""
    if "E+" not in cell:
        return False  # most
    return SCIENTIFIC.fullmatch(_unwrapped(cell.strip())) is not None


def safe_cell(text: str) -> str:
    """Return a text as a cell that is no formula and that we read back unchanged.

    An apostrophe is put before a formula, for any separator that a program may assume, before
    `null` and before the empty text.
    """
    if text.isalnum() and text != REMOVES:
        return text  # most are
    if text.lstrip("'") in ("", REMOVES):
        return "'" + text
    return guarded_cell(text)


def safe_raw_cell(cell: str) -> str:
    """Return a cell of an uploaded file, to be corrected and sent again.

    No formula, and read as before.
    """
    if cell == "-" or LENIENT_NUMBER.fullmatch(cell):
        return cell
    return BARE_FORMULA.sub("'", cell)


def json_cell(value: Any) -> str:
    """Return a value that is no text as a cell: JSON that no separator turns into a formula."""
    return safe_json(json_text(value))


def json_text(value: Any) -> str:
    """Return a value as JSON, with a space after each comma between values."""
    return json.dumps(value, ensure_ascii=False)


def safe_json(text: str) -> str:
    """Return JSON that no spreadsheet takes for a formula, with spaces after its commas."""
    return JSON_FORMULA.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def plain_text(cell: str) -> str:
    """Return the text that a cell represents."""
    if "'" not in cell:
        return cell
    if cell[0] == "'" and cell.lstrip("'") in ("", REMOVES):
        return cell[1:]
    return GUARDED.sub("", cell)


def _unwrapped(cell: str) -> str:
    """Return a cell without the wrapping that marks it as text: `="00187"`, `'00187`."""
    if not cell.startswith(("'", "=")) and "'" not in cell:
        return cell  # most
    cell = plain_text(cell)
    quoted = EXCEL_TEXT.fullmatch(cell)
    if quoted:
        return quoted[1].replace('""', '"')
    return cell[1:] if cell.startswith("'") and cell[1:2].isdigit() else cell


def _without_marks(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(each for each in decomposed if not unicodedata.combining(each))


def _json(cell: str) -> Any:
    try:
        return parse_json(cell.encode("utf-8", "surrogatepass"))
    except Invalid:
        raise ValueError("must be JSON") from None
