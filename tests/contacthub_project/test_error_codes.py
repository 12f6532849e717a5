"""One set of codes for faults, whoever finds them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import get_resolver
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from configuration.domain.validation import DocumentValidator
from contacthub_project.api.fields import (
    ImmutableField,
    StrictFlag,
    StrictInteger,
    StrictList,
    StrictPattern,
    StrictText,
    StrictUuid,
)
from contacthub_project.api.serializer_faults import code_of
from contacthub_project.api.serializers import (
    BodySerializer,
    DocumentSerializer,
    MapSerializer,
    StrictSerializer,
)
from contacthub_project.core.error_codes import CODES
from contacthub_project.core.errors import Invalid
from tests.client import ApiClient

ID = "019a4c1e-8f00-7000-8000-000000000001"


class Inner(StrictSerializer):
    number = StrictInteger(min_value=0, max_value=10)


class ByName(MapSerializer):
    child = Inner()
    names = {"number", "other"}


class Body(StrictSerializer):
    text = StrictText(max_length=3, allow_blank=True)
    flag = StrictFlag(required=False)
    choice = serializers.ChoiceField(["a", "b"], required=False)
    id = StrictUuid(required=False)
    slug = StrictPattern(r"^[a-z]+\Z", message="small letters", required=False)
    texts = StrictList(
        child=StrictText(max_length=3, allow_blank=True), required=False, min_length=1, max_length=2
    )
    inner = Inner(required=False)
    inners = StrictList(child=Inner(), required=False, allow_empty=False)
    by_name = ByName(required=False)


TEXT = {"type": "string", "maxLength": 3}
INNER = {
    "type": "object", "additionalProperties": False, "required": ["number"],
    "properties": {"number": {"type": "integer", "minimum": 0, "maximum": 10}},
}  # fmt: skip
SCHEMA = {
    "type": "object", "additionalProperties": False, "required": ["text"],
    "properties": {
        "text": TEXT, "flag": {"type": "boolean"},
        "choice": {"type": "string", "enum": ["a", "b"]}, "id": {"type": "string", "format": "uuid"},
        "slug": {"type": "string", "pattern": "^[a-z]+$"},
        "texts": {"type": "array", "minItems": 1, "maxItems": 2, "items": TEXT}, "inner": INNER,
        "inners": {"type": "array", "minItems": 1, "items": INNER},
        "by_name": {"type": "object", "additionalProperties": INNER},
    },
}  # fmt: skip
SCALARS = st.sampled_from(["", "a", "abcd", ID, "A1", 0, 11, -1, True, None, 1.5, "a\0"])
INNERS = st.dictionaries(st.sampled_from(["number", "other"]), SCALARS, min_size=1, max_size=2)
MAPS = st.dictionaries(st.sampled_from(["number", "other"]), INNERS, min_size=1, max_size=2)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, min_size=1, max_size=3),
    INNERS,
    st.lists(INNERS, min_size=1, max_size=2),
)
BODIES = st.dictionaries(st.sampled_from([*SCHEMA["properties"], "other"]), VALUES)


@given(BODIES)
def test_a_serializer_and_a_schema_name_the_same_faults(body: dict[str, Any]) -> None:
    by_schema = {(fault.path, fault.code) for fault in DocumentValidator(SCHEMA).faults(body)}
    try:
        Body.read(body)
        by_serializer = set()
    except Invalid as failure:
        by_serializer = {(fault.path, fault.code) for fault in failure.errors}
    beyond = {path for path, code in by_serializer if code in {"blank", "character"}}  # no keywords
    by_schema = {fault for fault in by_schema if fault[0] not in beyond}
    by_serializer = {fault for fault in by_serializer if fault[0] not in beyond}
    assert by_serializer <= by_schema
    assert {path for path, _ in by_serializer} == {path for path, _ in by_schema}


def fields_in(field: serializers.Field) -> Iterator[serializers.Field]:
    """The field and all within it."""
    yield field
    for child in getattr(field, "fields", {}).values():
        yield from fields_in(child)
    if isinstance(child := getattr(field, "child", None), serializers.Field):
        yield from fields_in(child)


def all_serializers(base: type = BodySerializer) -> Iterator[type[BodySerializer]]:
    for kind in base.__subclasses__():
        yield kind
        yield from all_serializers(kind)


def test_every_failure_of_every_field_in_use_has_a_code_of_its_own() -> None:
    get_resolver().url_patterns  # noqa: B018 - imports all views
    bases = {StrictSerializer, MapSerializer, DocumentSerializer}
    kinds = [
        kind
        for kind in all_serializers()
        if hasattr(kind, "child") or not issubclass(kind, MapSerializer)
    ]
    fields = [field for kind in kinds if kind not in bases for field in fields_in(kind())]
    assert len(fields) > 100
    unmapped = {
        (type(field).__name__, code)
        for field in fields
        if not isinstance(field, ImmutableField)
        for code in {
            *field.error_messages,
            *(getattr(v, "code", "invalid") for v in field.validators),
        }
        if code_of(field, code) == "schema"
    }
    assert not unmapped


def test_every_keyword_of_the_schemas_in_use_has_a_code() -> None:
    refused = {"number": 3, "const": 1, "list": [1, 1], "any": 1, "a": 1}
    schema = {
        "required": ["x"], "additionalProperties": False, "propertyNames": {"minLength": 2},
        "properties": {
            "number": {"type": "string", "enum": [1], "exclusiveMaximum": 3, "exclusiveMinimum": 3, "multipleOf": 2},
            "const": {"const": 2}, "list": {"uniqueItems": True, "minItems": 3, "maxItems": 1, "maxLengthSum": 0},
            "any": {"anyOf": [{"type": "string"}], "oneOf": [{"type": "string"}]},
        },
    }  # fmt: skip
    found = {fault.code for fault in DocumentValidator(schema).faults(refused)}
    assert found <= CODES
    assert {"const", "uniqueItems", "required", "unknown", "anyOf", "oneOf"} <= found
    beyond = DocumentValidator({"not": {"type": "object"}}).faults({})
    assert [fault.code for fault in beyond] == ["schema"]


def test_the_documentation_lists_every_code_once() -> None:
    text = Path("docs/using-the-api.md").read_text()
    section = text.partition("### Codes")[2].partition("### Strictness")[0]
    listed = [
        code
        for line in section.splitlines()
        if line.startswith("| `")
        for code in re.findall(r"`(\w+)`", line.split("|")[1])
    ]
    assert sorted(listed) == sorted(CODES)


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/status", {"status": "OPEN"}, {("/status", "enum")}),
        ("/status", {"status": None, "x": 1}, {("/status", "type"), ("/x", "unknown")}),
        ("/status", {}, {("/status", "required")}),
        ("/configuration/throttling", {"maxRequestsPerMinute": -1}, {("/maxRequestsPerMinute", "minimum")}),
        ("/configuration/throttling", {"maxRequestsPerMinute": 2**40}, {("/maxRequestsPerMinute", "maximum")}),
        ("/configuration", {"name": "x" * 256, "logo": "javascript:x", "placeholderValues": ["x"] * 101},
         {("/name", "maxLength"), ("/logo", "format"), ("/placeholderValues", "maxItems")}),
        ("/configuration", {"name": " ", "placeholderValues": [1]}, {("/name", "blank"), ("/placeholderValues/0", "type")}),
    ],
)  # fmt: skip
def test_bodies_of_the_api_are_refused_with_these_codes(
    hub: Any, path: str, body: Any, expected: set[tuple[str, str]]
) -> None:
    client: ApiClient = hub.operator
    refused = client.put(f"/workspaces/{hub.workspace.id}{path}", body)
    assert refused.status == 400
    assert {(fault["path"], fault["code"]) for fault in refused["errors"]} == expected
