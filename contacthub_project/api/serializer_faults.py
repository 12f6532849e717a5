"""Converts errors of DRF's serializers to the error format: JSON pointer, message, code.

The one place where codes of DRF and of Django's validators become codes of
`contacthub_project.core.error_codes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from rest_framework import serializers
from rest_framework.settings import api_settings

from contacthub_project.core.error_codes import CODES, Code
from contacthub_project.core.errors import FieldError, pointer

NON_FIELD = api_settings.NON_FIELD_ERRORS_KEY

CODES_OF_DRF: Mapping[str, Code] = {
    "blank": "blank",
    "date": "type",
    "datetime": "type",  # of a date
    "empty": "minItems",
    "invalid": "type",
    "invalid_choice": "enum",
    "make_aware": "format",
    "max_length": "maxLength",
    "max_string_length": "maximum",
    "max_value": "maximum",
    "min_length": "minLength",
    "min_value": "minimum",
    "not_a_dict": "type",
    "not_a_list": "type",
    "null": "type",
    "null_characters_not_allowed": "character",
    "overflow": "format",
    "required": "required",
    "surrogate_characters_not_allowed": "character",
}
# Codes that mean something else for some fields; the first matching class decides.
CODES_BY_FIELD: tuple[tuple[type[serializers.Field], Mapping[str, Code]], ...] = (
    (serializers.ListField, {"max_length": "maxItems", "min_length": "minItems"}),
    (serializers.ListSerializer, {"max_length": "maxItems", "min_length": "minItems"}),
    (serializers.UUIDField, {"invalid": "format"}),
    (serializers.DateTimeField, {"invalid": "format"}),
)


def serializer_faults(
    field: serializers.Field | None, detail: Any, at: str = ""
) -> Iterator[FieldError]:
    """Return the faults in `detail`, the errors of a field or serializer.

    Pointers begin with `at`. `field` is None where the body has a property that no field describes.
    """
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            if name == NON_FIELD:
                yield from serializer_faults(field, inner, at)
            else:
                yield from serializer_faults(_child(field, name), inner, at + pointer(name))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            if isinstance(inner, str):
                yield _fault(field, inner, at)
            else:  # of a ListSerializer: one for each element, empty for those without fault
                yield from serializer_faults(_child(field, index), inner, at + pointer(index))
    else:
        yield _fault(field, detail, at)


def _child(field: serializers.Field | None, name: str | int) -> serializers.Field | None:
    if isinstance(field, serializers.Serializer):
        found: serializers.Field | None = field.fields.get(name)
        return found
    return getattr(field, "child", None)


def _fault(field: serializers.Field | None, message: str, at: str) -> FieldError:
    return FieldError(at, str(message), code_of(field, getattr(message, "code", "invalid")))


def code_of(field: serializers.Field | None, code: str) -> Code:
    """Return our code for the code of a field's or validator's failure."""
    for kind, codes in CODES_BY_FIELD:
        if isinstance(field, kind) and code in codes:
            return codes[code]
    if code in CODES:
        return cast(Code, code)
    return CODES_OF_DRF.get(code, "schema")
