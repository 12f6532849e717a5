"""Schemas of answers about segments' members."""

from __future__ import annotations

from typing import Any

from bulkjobs.api.schema import EXPORT_FORMAT
from bulkjobs.queries.export_files import ExportFormat
from configuration.domain.consent_paths import CONSENT_PATHS
from contacthub_project.api.components import (
    ID,
    MOMENT,
    TEXT,
    component,
    cursor_page_object,
    enum_component,
    object_component,
)
from customers.api.schema import CUSTOMER_SELECTION
from segments.domain.changes import ChangeType
from segments.models import SegmentKind, SegmentState

# Removed segments are shown nowhere.
SHOWN_STATES = [state for state in SegmentState.values if state != SegmentState.REMOVED]
SEGMENT_STATE = enum_component("SegmentState", SHOWN_STATES)
CONSENT_PATH = enum_component("ConsentPath", sorted(CONSENT_PATHS))
SEGMENT_KIND = enum_component("SegmentKind", SegmentKind.values)
LAG: dict[str, Any] = {
    "type": "number",
    "minimum": 0,
    "description": "Seconds since the oldest thing happened that this does not show; 0: none.",
}


def _page(name: str, elements: str, element: Any) -> dict[str, Any]:
    return component(
        name,
        {
            "type": "object",
            "description": f"A page of {elements}.",
            "required": ["elements", "page", "lag"],
            "properties": {
                "elements": {
                    "type": "array",
                    "items": element,
                    "description": f"The {elements} on this page, in the order asked for.",
                },
                "page": cursor_page_object(),
                "lag": LAG,
            },
        },
    )


CHANGE = object_component(
    "SegmentChange",
    {
        "id": ID,
        "customerId": ID,
        "type": enum_component("SegmentChangeType", [each.value for each in ChangeType]),
        "date": MOMENT,
    },
)
PAGE_OF_CHANGES = _page("SegmentChangePage", "changes", CHANGE)
PAGE_OF_MEMBERS = _page("SegmentCustomerPage", "customers in a segment", CUSTOMER_SELECTION)
SEGMENT_EXPORT_INPUT = object_component(
    "SegmentExportInput",
    {
        "contactable": CONSENT_PATH,
        "fields": {"type": "array", "items": TEXT},
        "sort": {"type": "array", "items": TEXT},
        "format": EXPORT_FORMAT | {"default": ExportFormat.CSV.value},
        "excel": {"type": "boolean", "default": False},
    },
    required=[],
)
PREVIEW = component(
    "SegmentPreview",
    {
        "type": "object",
        "description": "Who would be in a segment.",
        "required": ["count", "elements"],
        "properties": {
            "count": {"type": "integer", "description": "How many customers fit the query."},
            "elements": {
                "type": "array",
                "items": CUSTOMER_SELECTION,
                "description": "Some of them, the latest changed first.",
            },
        },
    },
)
