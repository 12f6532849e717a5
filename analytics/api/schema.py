"""The answers of analytics, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter

from contacthub_project.api.schema import PAGE_OBJECT

TEXT: dict[str, Any] = {"type": "string"}
WHOLE: dict[str, Any] = {"type": "integer"}
MOMENT: dict[str, Any] = {"type": "string", "format": "date-time"}
START = OpenApiParameter(
    "start",
    str,
    description="From the day of this moment on; a date is a day of the workspace's zone.",
)
END = OpenApiParameter(
    "end", str, description="To the day of this moment, as `start`; today unless given."
)
NODE = OpenApiParameter("nodeId", str, description="Of one node; of all entry nodes unless given.")
VALUES: dict[str, Any] = {
    "type": "array",
    "items": {"type": "object", "properties": {"datetime": TEXT, "value": TEXT}},
}
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"start": MOMENT, "end": MOMENT, "timezone": TEXT},
}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _answer(data: Mapping[str, Any]) -> dict[str, Any]:
    return _object(parameters=PARAMETERS, data=data)


def _listed(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": _object(**properties)}


WORKSPACE = _object(id=TEXT, name=TEXT, status=TEXT, customers=WHOLE)
NODES = _object(elements=_listed(id=TEXT, name=TEXT, type=TEXT, customers=WHOLE), page=PAGE_OBJECT)
COUNT = _answer(_object(customers=TEXT))
CHANNELS = _answer(
    _object(EMAIL_AND_MOBILE=TEXT, EMAIL_ONLY=TEXT, MOBILE_ONLY=TEXT, NOT_REACHABLE=TEXT)
)
SERIES = _answer(VALUES)
TYPES = _answer(_listed(type=TEXT, context=TEXT, value=TEXT))
FIGURES = _answer(
    _listed(
        name=TEXT,
        type=TEXT,
        currency=TEXT,
        value={"type": ["string", "null"]},
        values=VALUES,
    )
)
CATEGORIES = _answer(_listed(category=TEXT, type=TEXT, values=VALUES))
BEHAVIORS = _answer(
    _listed(
        name=TEXT,
        type=TEXT,
        currency=TEXT,
        value={"type": ["string", "null"]},
        total=TEXT,
        revenue=TEXT,
    )
)
