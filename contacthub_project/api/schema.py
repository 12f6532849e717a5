"""Schemas that all apps share: errors, lists and pages.

Views name parameters, requests and responses (`extend_schema`); the texts are in
`descriptions.toml` of their app (see `contacthub_project.api.descriptions`). Docstrings are not
published.
"""

from __future__ import annotations

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from contacthub_project.api.components import (
    Schema,
    component,
    page_object,
)
from contacthub_project.api.parameters import (
    CONFIGURATION_PAGE,
    RESOLVE_REFERENCES,
)

__all__ = [
    "ELEMENTS_OF_NAMES", "PAGE_OBJECT", "PAGE_PARAMETERS", "RESOLVE_REFERENCES",
    "elements_of", "page_of",
]  # fmt: skip

PAGE_PARAMETERS = CONFIGURATION_PAGE  # of most lists
ERROR = component(
    "Error",
    {
        "type": "object",
        "description": "The body of every refusal and failure.",
        "required": ["message", "logref", "data", "errors"],
        "properties": {
            "message": {"type": "string", "description": "What is wrong, in one sentence."},
            "logref": {
                "type": "string",
                "format": "uuid",
                "description": "Also in the product's log line about it.",
            },
            "data": {
                "type": ["object", "null"],
                "additionalProperties": True,
                "description": "Data about the message, such as `customer` of a conflict.",
            },
            "errors": {
                "type": "array",
                "description": "Every fault of the request; may be empty.",
                "items": component(
                    "ErrorDetail",
                    {
                        "type": "object",
                        "description": "One fault of a request.",
                        "required": ["path", "message", "code", "data"],
                        "properties": {
                            "path": {
                                "type": "string",
                                "description": "JSON pointer into the body, or `/` and the name"
                                " of a parameter.",
                            },
                            "message": {"type": "string", "description": "What is wrong there."},
                            "code": {
                                "type": ["string", "null"],
                                "description": "The rule that is broken, such as `required`.",
                            },
                            "data": {"description": "Data about the fault; mostly null."},
                        },
                    },
                ),
            },
        },
    },
)


class PageObject(serializers.Serializer):
    """The position of a page in its list."""

    size = serializers.IntegerField(help_text="Elements on a page, as asked for or by default.")
    totalElements = serializers.IntegerField(
        help_text="Elements that fit; searches count at most 10000."
    )
    totalUnfilteredElements = serializers.IntegerField(
        help_text="Elements without the filters; searches count at most 10000."
    )
    totalPages = serializers.IntegerField(help_text="Pages of this size that hold them.")
    number = serializers.IntegerField(help_text="Number of this page, from 0.")


PAGE_OBJECT: Schema = page_object()  # the same for answers described by JSON Schema
ELEMENTS_OF_NAMES = inline_serializer(
    "Names",
    {
        "elements": serializers.ListField(
            child=serializers.CharField(), help_text="The names, in alphabetical order."
        )
    },
)


def elements_of(
    element: type[serializers.BaseSerializer],
    elements: str = "elements",
    *,
    name: str | None = None,
) -> serializers.Serializer:
    """Return the schema of a list without pages; `elements` names what it lists.

    `name` is that of the component, if it is not derived from the element's.
    """
    listed = element(many=True, help_text=f"The {elements}.")
    name = name or f"{element.__name__.removesuffix('Output')}List"
    return inline_serializer(name, {"elements": listed})


def page_of(
    element: type[serializers.BaseSerializer], elements: str = "elements"
) -> serializers.Serializer:
    """Return the schema of a page of such elements; `elements` names what they are."""
    listed = element(many=True, help_text=f"The {elements} on this page, in the order asked for.")
    part = PageObject(help_text="Which part of the list this is.")
    name = element.__name__.removesuffix("Output")
    return inline_serializer(f"{name}Page", {"elements": listed, "page": part})
