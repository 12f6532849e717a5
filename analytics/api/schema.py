"""OpenAPI schemas of the responses of analytics."""

from __future__ import annotations

from collections.abc import Iterable

from analytics.domain import indicators
from analytics.domain.data_quality import PropertyState
from analytics.domain.periods import MODES
from configuration.domain.vocabulary import CONTEXTS
from contacthub_project.api.components import (
    ID,
    INTEGER,
    MOMENT,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    enum_component,
    object_component,
    page_component,
    reference_to,
)
from contacthub_project.api.parameters import id_parameter, moment_parameter

START = moment_parameter(
    "start", "From the day of this moment on; a date is a day of the workspace's zone."
)
END = moment_parameter("end", "To the day of this moment, as `start`; today unless given.")
NODE = id_parameter("nodeId", "Of one node; of all entry nodes that the caller reads unless given.")

MODE = enum_component("Interval", MODES)
FIGURE_TYPE = enum_component(
    "FigureType", [indicators.NUMBER, indicators.CURRENCY, indicators.PERCENTAGE, "datetime"]
)
VALUE = object_component("StatsValue", {"datetime": TEXT, "value": TEXT})
VALUES: Schema = {"type": "array", "items": VALUE}
FLAG: Schema = {"type": "boolean"}
NODE_PROPERTY: Schema = {"nodeId": {"anyOf": [ID, {"type": "null"}]}}
PERIOD: Schema = {"start": MOMENT, "end": MOMENT, "timezone": reference_to("Timezone")}


def _answer(name: str, parameters: Schema, data: Schema) -> Schema:
    """Publish a response of data, which repeats the parameters of the request."""
    repeated = object_component(f"{name}Parameters", parameters)
    return object_component(name, {"parameters": repeated, "data": data})


def _listed(name: str, properties: Schema, *, required: Iterable[str] | None = None) -> Schema:
    return {"type": "array", "items": object_component(name, properties, required=required)}


WORKSPACE = object_component(
    "WorkspaceStats",
    {"id": ID, "name": TEXT, "status": reference_to("WorkspaceStatus"), "customers": INTEGER},
)
NODES = page_component(
    "NodeStatsPage",
    object_component(
        "NodeStats",
        {"id": ID, "name": TEXT, "type": reference_to("NodeType"), "customers": INTEGER},
    ),
    "nodes",
)
COUNT = _answer(
    "CustomerCount", NODE_PROPERTY, object_component("CustomerCountData", {"customers": TEXT})
)
CHANNELS = ("EMAIL_AND_MOBILE", "EMAIL_ONLY", "MOBILE_ONLY", "NOT_REACHABLE")
CHANNEL_COUNTS = _answer(
    "ChannelCounts",
    NODE_PROPERTY,
    object_component("ChannelCountsData", dict.fromkeys(CHANNELS, TEXT)),
)
CHANGES = ("ADDED", "UPDATED", "DELETED")
ALL = "ALL"
SHOPS = ("ECOMMERCE", "RETAIL")
CHANGE = enum_component("ChangeType", CHANGES)
CONTEXT = enum_component("ReportedContext", [*CONTEXTS, ALL])
PURCHASES = enum_component("PurchaseType", [*SHOPS, ALL])
REGISTRATIONS = _answer("RegistrationStats", PERIOD | {"mode": MODE} | NODE_PROPERTY, VALUES)
UPDATES = _answer("UpdateStats", PERIOD | {"type": CHANGE} | NODE_PROPERTY, VALUES)
TYPES = _answer(
    "EventTypeStats",
    PERIOD | {"context": CONTEXT} | NODE_PROPERTY,
    _listed(
        "EventTypeCount",
        {"type": reference_to("EventType"), "context": reference_to("EventContext"), "value": TEXT},
    ),
)
FIGURE: Schema = {
    "name": TEXT,
    "type": FIGURE_TYPE,
    "currency": reference_to("Currency"),
    "value": TEXT_OR_NULL,
    "values": VALUES,
}
FIGURES = _answer(
    "KeyFigures",
    PERIOD | NODE_PROPERTY,
    _listed("KeyFigure", FIGURE, required=["name", "type", "value", "values"]),
)
PURCHASE_FIGURES = object_component(
    "PurchaseFigures",
    {
        "parameters": object_component(
            "PurchaseFiguresParameters", PERIOD | {"type": PURCHASES} | NODE_PROPERTY
        ),
        "data": {"type": "array", "items": reference_to("KeyFigure")},
    },
)
CATEGORIES = _answer(
    "EventCategoryDistribution",
    PERIOD | {"mode": MODE},
    _listed(
        "EventCategoryCount",
        {
            "category": reference_to("EventCategoryId"),
            "type": reference_to("EventType"),
            "values": VALUES,
        },
    ),
)
BEHAVIORS = _answer(
    "BuyingBehaviors",
    PERIOD,
    _listed(
        "BuyingBehavior",
        {
            "name": TEXT,
            "type": FIGURE_TYPE,
            "currency": reference_to("Currency"),
            "value": TEXT_OR_NULL,
            "total": TEXT,
            "revenue": TEXT,
        },
        required=["name", "type", "value"],
    ),
)
REFUSED_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
DATA_QUALITY = object_component(
    "DataQuality",
    NODE_PROPERTY
    | {
        "customers": INTEGER,
        "sampled": FLAG,
        "sampleSize": INTEGER,
        "properties": _listed(
            "PropertyQuality",
            {
                "path": TEXT,
                "state": enum_component("PropertyState", [*PropertyState]),
                "filled": INTEGER,
                "distinct": {"type": ["integer", "null"]},
                "invalid": INTEGER,
            },
        ),
        "sources": object_component(
            "SourceQualities",
            {
                "since": MOMENT,
                "changes": INTEGER,
                "sampled": FLAG,
                "sampleSize": INTEGER,
                "elements": _listed(
                    "SourceQuality",
                    {
                        "sourceId": {"anyOf": [ID, {"type": "null"}]},
                        "entity": reference_to("RefusedEntity"),
                        "accepted": INTEGER,
                        "refused": INTEGER,
                        "refusedShare": REFUSED_SHARE,
                    },
                ),
            },
        ),
    },
)
