"""Serializer fields that convert no types.

DRF's fields turn 12 into "12" and "true" into true; these report a wrong type.
"""

from __future__ import annotations

from typing import Any

import orjson
from django.core.validators import RegexValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from contacthub_project.api.renderers import json_bytes
from contacthub_project.api.serializer_faults import NON_FIELD
from contacthub_project.core.addresses import is_web_address
from contacthub_project.core.equivalence import is_equivalent
from contacthub_project.core.identifiers import as_uuid


class StrictText(serializers.CharField):
    """A string, unchanged; blank only if allowed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        return text

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and not self.allow_blank and not data.strip():
            self.fail("blank")
        return super().run_validation(data)


class StrictPattern(StrictText):
    """A string that matches a regular expression; `message` describes the pattern."""

    def __init__(self, regex: str, *, message: str, **options: Any) -> None:
        super().__init__(**options)
        self.validators.append(RegexValidator(regex, message, code="pattern"))


class StrictFlag(serializers.BooleanField):
    """A boolean."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return bool(data)


class StrictInteger(serializers.IntegerField):
    """An integer; neither text nor 1.5."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return int(data)


class StrictUuid(serializers.UUIDField):
    """A UUID in canonical form."""

    default_error_messages = {"type": "must be text"}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("type")
        found = as_uuid(data)
        if found is None:
            self.fail("invalid", value=data)
        return found


class StrictList(serializers.ListField):
    """A list; unlike DRF's it reports a wrong length besides wrong elements."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        try:
            return super().run_validation(data)
        except serializers.ValidationError as wrong_elements:
            if not isinstance(wrong_elements.detail, dict):
                raise
            try:
                self.run_validators(data)
            except serializers.ValidationError as wrong_length:
                own = {NON_FIELD: wrong_length.detail}
                raise serializers.ValidationError(wrong_elements.detail | own) from None
            raise


@extend_schema_field({"type": "string"})  # `uri` has neither spaces nor letters of other scripts
class WebAddress(StrictText):
    """A URL as browsers read it (`contacthub_project.core.addresses.is_web_address`)."""

    default_error_messages = {"format": "must be a web address"}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not is_web_address(text):
            self.fail("format")
        return text


class ImmutableField(serializers.JSONField):
    """A property of responses that bodies may repeat, but not change.

    `of` is the field of the responses, for the OpenAPI document. The value is compared with
    `current` of `BodySerializer.read`; timestamps and UUIDs are equal in any spelling. It may be
    absent unless `required`.
    """

    default_error_messages = {"immutable": "cannot be changed"}

    def __init__(self, of: serializers.Field, *, required: bool = False, **options: Any) -> None:
        super().__init__(required=required, allow_null=of.allow_null, **options)
        self.of = of

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data is serializers.empty and self.required:
            self.fail("required")
        if data is not serializers.empty:
            current = orjson.loads(json_bytes(self.context["current"][self.field_name]))
            if not is_equivalent(data, current):
                self.fail("immutable")
        raise serializers.SkipField


class IgnoredField(ImmutableField):
    """A generated property that bodies may hold with any value."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        raise serializers.SkipField
