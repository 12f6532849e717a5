"""A strict JSON parser that bounds its input and reports every fault.

It uses the standard library's decoder, which unlike faster ones reveals duplicated keys; the
difference is about ten microseconds for a body of one kilobyte.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from contacthub_project.core.errors import FieldError, Invalid, pointer

DEEPEST = 32
LARGEST_INTEGER = 2**63 - 1
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
LONGEST_NUMBER = 100  # characters, of a number that is given as text
SUSPICIOUS = re.compile(r"\\u(0000|[dD][89a-fA-F])")


def parse_json(raw: bytes) -> Any:
    """Parse UTF-8 JSON; text is returned in Unicode normal form C. Raises Invalid."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise _malformed("is not UTF-8", fault.start) from None
    try:
        document = _DECODER.decode(text)
    except _Unrepresentable:
        raise Invalid("The body is not valid", errors=_unrepresentable(text)) from None
    except json.JSONDecodeError as fault:
        raise _malformed(fault.msg.lower(), fault.pos) from None
    except RecursionError:
        raise _too_deep() from None
    _check_depth(document, 1)
    if not text.isascii() or "\\u" in text:
        document = _composed(document)
    if SUSPICIOUS.search(text):
        faults = [
            FieldError(path, "holds a character that cannot be stored", "character")
            for path, string in _strings(document, "")
            if "\0" in string or not _is_storable(string)
        ]
        if faults:
            raise Invalid("The body is not valid", errors=faults)
    return document


def _composed(value: Any) -> Any:
    """Return the value with all its text in Unicode normal form C."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [_composed(each) for each in value]
    if isinstance(value, dict):
        return {name: _composed(each) for name, each in value.items()}
    return value


def number_in(text: str) -> int | float | None:
    """Return the number that the text represents in JSON; None if it is none, or out of range."""
    if len(text) > LONGEST_NUMBER or not NUMBER.fullmatch(text):
        return None
    number = json.loads(text)
    fits = math.isfinite(number) if isinstance(number, float) else abs(number) <= LARGEST_INTEGER
    return number if fits else None


class _Unrepresentable(Exception):
    """Raised for a duplicated key or a number out of range in text that is JSON otherwise."""


class _Pairs(list[tuple[str, Any]]):
    """The members of an object in order; keys may be duplicated."""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _Unrepresentable
    return document


def _integer(digits: str) -> int:
    if len(digits) > 20 or abs(int(digits)) > LARGEST_INTEGER:
        raise _Unrepresentable
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _Unrepresentable
    return number


def _unrepresentable(text: str) -> list[FieldError]:
    """Parse the text again and return every duplicated key and number out of range."""
    try:
        return list(_unrepresentable_in(_DIAGNOSING_DECODER.decode(text), "", depth=1))
    except json.JSONDecodeError as fault:
        raise _malformed(fault.msg.lower(), fault.pos) from None
    except RecursionError:
        raise _too_deep() from None


def _unrepresentable_in(value: Any, at: str, *, depth: int) -> Iterator[FieldError]:
    if depth > DEEPEST:
        raise _too_deep()
    if isinstance(value, _Unrepresentable):
        yield FieldError(at, "holds a number out of range", "number")
    elif isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, child in value:
            place = at + _pointer_to(key)
            if key in seen:
                yield FieldError(place, "stands twice in one object", "key")
            seen.add(key)
            yield from _unrepresentable_in(child, place, depth=depth + 1)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _unrepresentable_in(child, at + pointer(index), depth=depth + 1)


def _kept(read: Callable[[str], int | float]) -> Callable[[str], int | float | _Unrepresentable]:
    """Wrap `read` so that values it rejects are collected instead of raised."""

    def kept(digits: str) -> int | float | _Unrepresentable:
        try:
            return read(digits)
        except _Unrepresentable as fault:
            return fault

    return kept


def _refuse_constant(name: str) -> NoReturn:
    raise Invalid("The body is not JSON", errors=[FieldError("", f"{name} is not JSON", "json")])


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_keys,
    parse_int=_integer,
    parse_float=_number,
    parse_constant=_refuse_constant,
)
_DIAGNOSING_DECODER = json.JSONDecoder(
    object_pairs_hook=_Pairs,
    parse_int=_kept(_integer),
    parse_float=_kept(_number),
    parse_constant=_refuse_constant,
)


def _malformed(what: str, position: int) -> Invalid:
    return Invalid(
        "The body is not JSON",
        errors=[FieldError("", f"{what} (at character {position})", "json")],
    )


def _too_deep() -> Invalid:
    return Invalid(
        "The body is not valid",
        errors=[FieldError("", f"is nested deeper than {DEEPEST} levels", "depth")],
    )


def _check_depth(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise _too_deep()
    children = value.values() if type(value) is dict else value if type(value) is list else ()
    for child in children:
        if type(child) is dict or type(child) is list:
            _check_depth(child, depth + 1)


def _strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, child in value.items():
            place = path + _pointer_to(key)
            yield place, key
            yield from _strings(child, place)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _strings(child, path + pointer(index))


def _pointer_to(key: str) -> str:
    """Return the pointer to a key, which may hold lone surrogates."""
    return pointer(key.encode("utf-8", "replace").decode())


def _is_storable(string: str) -> bool:
    try:
        string.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
