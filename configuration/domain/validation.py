"""JSON Schema validation that reports every fault with its pointer and code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import jsonschema_rs

from configuration.domain.coercion import coerce
from contacthub_project.core.addresses import is_email, is_ip_addresses, is_web_address
from contacthub_project.core.array_forms import as_sent
from contacthub_project.core.error_codes import CODES, Code
from contacthub_project.core.errors import FieldError, pointer
from contacthub_project.core.timestamps import is_timestamp

LONGEST_MESSAGE = 200
# An engine without backtracking: a pattern costs as much as the text is long. The size in bytes of
# a compiled pattern is bounded, for it is a workspace's own.
LARGEST_PATTERN = 256 * 1024
PATTERNS = jsonschema_rs.RegexOptions(size_limit=LARGEST_PATTERN, dfa_size_limit=LARGEST_PATTERN)


# Formats that are read otherwise than JSON Schema does, and one of our own.
FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": is_timestamp,
    "email": is_email,
    "uri": is_web_address,
    "ip-addresses": is_ip_addresses,
}


class MaxLengthSum:
    """The keyword `maxLengthSum`: the most characters that a list's strings have together."""

    def __init__(self, parent: dict[str, Any], value: int, path: list[str | int]) -> None:
        self.most = value

    def validate(self, instance: Any) -> None:
        if isinstance(instance, list):
            length = sum(len(item) for item in instance if isinstance(item, str))
            if length > self.most:
                raise ValueError(f"has more than {self.most} characters in all its values")


class MaxLengthJoined(MaxLengthSum):
    """The keyword `maxLengthJoined`: the same with one separator between two strings."""

    def validate(self, instance: Any) -> None:
        if isinstance(instance, list):
            strings = [item for item in instance if isinstance(item, str)]
            if sum(map(len, strings)) + max(len(strings) - 1, 0) > self.most:
                raise ValueError(f"has more than {self.most} characters, separators included")


class DocumentValidator:
    """A compiled JSON Schema (draft 2020-12, with `maxLengthSum` and `maxLengthJoined`).

    `scalars_as_text` is a rule of `configuration.domain.coercion`.
    """

    def __init__(self, schema: dict[str, Any], *, scalars_as_text: bool = False) -> None:
        self._schema = schema
        self._scalars_as_text = scalars_as_text
        self._validator = jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=True,
            pattern_options=PATTERNS,
            formats=FORMATS,
            keywords={"maxLengthSum": MaxLengthSum, "maxLengthJoined": MaxLengthJoined},
            mask="the value",
        )

    def read(
        self, sent: Any, *, at: str = "", prepare: Callable[[Any], Any] = lambda document: document
    ) -> tuple[Any, list[FieldError]]:
        """Return the document, coerced if it is not valid as sent, and its faults.

        `prepare` is applied before validation. Pointers are into the document as it was sent, below
        `at`.
        """
        prepared = prepare(sent)
        if self._validator.is_valid(prepared):
            return prepared, []
        coerced = self.coerced(sent)
        if coerced is not sent:
            prepared = prepare(coerced)
        faults = as_sent(self.faults(prepared), sent, coerced)
        return prepared, [replace(fault, path=at + fault.path) for fault in faults]

    def coerced(self, document: Any) -> Any:
        """Return the document in the forms of the schema; the same object if it has them."""
        return coerce(self._schema, document, scalars_as_text=self._scalars_as_text)

    def faults(self, document: Any, *, at: str = "") -> list[FieldError]:
        """Return all faults with pointers below `at`; empty when the document is valid."""
        if self._validator.is_valid(document):
            return []
        return [
            fault
            for error in self._validator.iter_errors(document)
            for fault in _as_faults(error, at)
        ]


def is_linear_pattern(pattern: str) -> bool:
    """Return whether a pattern matches in linear time and compiles within LARGEST_PATTERN bytes."""
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=PATTERNS)
    except (ValueError, jsonschema_rs.ValidationError):
        return False
    return True


def _as_faults(error: jsonschema_rs.ValidationError, at: str) -> list[FieldError]:
    place = at + pointer(*error.instance_path)
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        return [
            FieldError(place + pointer(name), "is not a known property", "unknown")
            for name in kind.unexpected
        ]
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        return [FieldError(place + pointer(kind.property), "is required", "required")]
    code = cast(Code, kind.name) if kind.name in CODES else "schema"
    return [FieldError(place, error.message[:LONGEST_MESSAGE], code)]
