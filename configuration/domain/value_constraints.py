"""JSON Schema keywords that constrain the values of extended properties.

Every known keyword is stored and enforced; unknown keywords are faults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from configuration.domain.validation import is_linear_pattern
from contacthub_project.core.array_forms import as_list
from contacthub_project.core.error_codes import Code
from contacthub_project.core.errors import FieldError

Constraints = dict[str, Any]
# Message and code of a keyword's fault, None for a valid value.
Fault = tuple[str, Code] | None

FORMATS = frozenset({"date", "date-time", "email", "hostname", "uri", "ipv4", "ipv6"})
LONGEST = 6000
LONGEST_PATTERN = 500
MOST_ITEMS = 10_000
MOST_ENUM_VALUES = 1000


def _length(value: Any) -> Fault:
    return _whole_number(value, 1, LONGEST)


def _least_length(value: Any) -> Fault:
    return _whole_number(value, 0, LONGEST)


def _count(value: Any) -> Fault:
    return _whole_number(value, 0, MOST_ITEMS)


def _whole_number(value: Any, least: int, most: int) -> Fault:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        return f"must be from {least} to {most}", "range"
    return None


def _number(value: Any) -> Fault:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "must be a number", "type"
    return None


def _positive_number(value: Any) -> Fault:
    fault = _number(value)
    if fault is None and value <= 0:
        return "must be greater than 0", "range"
    return fault


def _flag(value: Any) -> Fault:
    return None if isinstance(value, bool) else ("must be true or false", "type")


def _format(value: Any) -> Fault:
    if isinstance(value, str) and value in FORMATS:
        return None
    return f"must be one of {', '.join(sorted(FORMATS))}", "enum"


def _pattern(value: Any) -> Fault:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_PATTERN:
        return f"must be text of 1 to {LONGEST_PATTERN} characters", "type"
    if not is_linear_pattern(value):
        return (
            "must be a regular expression without look-around and back-references that is not"
            " too large; limit how long a text may be by minLength and maxLength"
        ), "regex"
    return None


def _enum(value: Any) -> Fault:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return "must be a list of texts", "type"
    if not 0 < len(value) <= MOST_ENUM_VALUES:
        return f"must have from 1 to {MOST_ENUM_VALUES} values", "range"
    return None if len(set(value)) == len(value) else ("names a value twice", "uniqueItems")


KEYWORDS: Mapping[str, Mapping[str, Callable[[Any], Fault]]] = {
    "string": {
        "format": _format,
        "minLength": _least_length,
        "maxLength": _length,
        "pattern": _pattern,
        "enum": _enum,
    },
    "number": {
        "minimum": _number,
        "maximum": _number,
        "exclusiveMinimum": _number,
        "exclusiveMaximum": _number,
        "multipleOf": _positive_number,
    },
    "boolean": {},
    # `maxLength` of a list is that of all its texts together, separators included.
    "array": {"maxLength": _length, "minItems": _count, "maxItems": _count, "uniqueItems": _flag},
    "object": {},
}
# Pairs of which the first must not be greater than the second.
ORDERED = (("minLength", "maxLength"), ("minItems", "maxItems"), ("minimum", "maximum"))


def keywords_of(kind: str) -> Mapping[str, Callable[[Any], Fault]]:
    """Return the keywords of a type, each with the function that checks its value."""
    return KEYWORDS["number" if kind == "integer" else kind]


def read_constraints(
    given: Mapping[str, Any], kind: str, at: str, faults: list[FieldError]
) -> Constraints:
    """Return the keywords of a definition; null means absent, faults are appended to `faults`."""
    found: Constraints = {}
    for name, fault_of in keywords_of(kind).items():
        value = given.get(name)
        if value is None:
            continue
        if name == "enum":
            value = as_list(value)
        fault = fault_of(value)
        if fault is None:
            found[name] = value
        else:
            faults.append(FieldError(f"{at}/{name}", *fault))
    return found


def order_faults(constraints: Mapping[str, Any], at: str) -> list[FieldError]:
    """Return a fault for each pair of limits that no value can satisfy."""
    return [
        FieldError(f"{at}/{least}", f"must not be greater than {most}", "range")
        for least, most in ORDERED
        if least in constraints and most in constraints and constraints[least] > constraints[most]
    ]
