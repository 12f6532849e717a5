"""What cells say: by the type of their property, as the reference has it or leniently."""

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
from contacthub_project.core.strict_json import parse_json
from contacthub_project.core.timestamps import parse_timestamp

REMOVES = "null"
NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,3})?", re.ASCII)
LENIENT_NUMBER = re.compile(r"[+-]?(\d{1,18}\.?\d{0,18}|\.\d{1,18})([eE][+-]?\d{1,3})?", re.ASCII)
# `1.234`, which is a thousand to some and one and a quarter to others.
AMBIGUOUS_POINT = re.compile(r"[+-]?\d{1,3}\.\d{3}", re.ASCII)
# What spreadsheets make of long rows of digits, such as phone numbers.
SCIENTIFIC = re.compile(r"[+-]?\d([.,]\d+)?E\+\d{2,3}", re.ASCII)
EXCEL_TEXT = re.compile(r'="(.*)"', re.DOTALL)
EMPTIES = frozenset({"", "n/a", "null", "nan", "\\n", "#n/a", "-"})
TRUE = frozenset({"true", "yes", "y", "si", "s", "oui", "ja", "1", "vero", "wahr", "vrai", "on"})
FALSE = frozenset({"false", "no", "n", "non", "nein", "0", "falso", "falsch", "faux", "off"})
# Where a program may take a cell to begin, whichever separator it takes the file to have, and what
# it would take for a formula there, also in the full-width forms of East Asia.
BEGINS_CELL = "(?:^|(?<=[,;|\t\r\n]))"
FORMULA = "[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
# The same within JSON, where such a sign stands in texts only.
JSON_FORMULA = re.compile("(?<=[,;|])[=+\\-@\uff1d\uff0b\uff0d\uff20]")
FORMULA_SIGN = re.compile(FORMULA)
BARE_FORMULA = re.compile(f"{BEGINS_CELL}(?={FORMULA})")
UNGUARDED = re.compile(f"{BEGINS_CELL}(?='*{FORMULA})")
GUARDED = re.compile(f"{BEGINS_CELL}'(?='*{FORMULA})")
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
    """In which order day, month and year stand where a date does not begin with its year."""

    DMY = "DMY"
    MDY = "MDY"
    YMD = "YMD"


class DecimalMark(StrEnum):
    """What stands before the decimals of a number; thousands are never separated."""

    POINT = "."
    COMMA = ","
    # Of files with semicolons or tabs, whose sender has not said it: `1.234` is refused.
    NOT_SAID = "not said"
    # Of workbooks, whose numbers have a point, and whose texts a comma.
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class CellRules:
    """How the cells of a file are to be understood."""

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
        """Whether a cell says nothing."""
        return cell.strip().lower() in EMPTIES if self.is_lenient else cell == ""

    def value(self, cell: str, kind: str) -> Any:
        """What a cell of a kind says; raises ValueError with what is wrong."""
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
        if mark is DecimalMark.NOT_SAID and AMBIGUOUS_POINT.fullmatch(text):
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
        """A date, or a moment, as the API takes it; what is none is left to its checks."""
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


def lost_digits(cell: str) -> bool:
    """Whether a spreadsheet has made a number of a text, and its last digits are lost."""
    return SCIENTIFIC.fullmatch(_unwrapped(cell.strip())) is not None


def safe_cell(text: str) -> str:
    """A text as we write it: a spreadsheet takes no formula from it, and we read it back as it is.

    An apostrophe goes before what would be a formula, whatever separates the cells for whoever
    reads the file, before `null` and before nothing at all.
    """
    if text.isalnum() and text != REMOVES:
        return text  # most are
    if text.lstrip("'") in ("", REMOVES):
        return "'" + text
    return UNGUARDED.sub("'", text) if FORMULA_SIGN.search(text) else text


def safe_raw_cell(cell: str) -> str:
    """A cell of somebody's, for them to mend and send again: no formula, and read as it was."""
    if cell == "-" or LENIENT_NUMBER.fullmatch(cell):
        return cell
    return BARE_FORMULA.sub("'", cell)


def json_cell(value: Any) -> str:
    """A value that is no text as a cell: JSON, in whose texts no separator makes a formula."""
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ":"))
    return JSON_FORMULA.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def plain_text(cell: str) -> str:
    """The text that a cell of ours, or anybody's, stands for."""
    if "'" not in cell:
        return cell
    if cell[0] == "'" and cell.lstrip("'") in ("", REMOVES):
        return cell[1:]
    return GUARDED.sub("", cell)


def _unwrapped(cell: str) -> str:
    """A cell without what keeps spreadsheets from taking it for a number: `="00187"`, `'00187`."""
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
