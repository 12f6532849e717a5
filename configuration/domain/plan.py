"""Plan models: what an export to Contactplan holds, and which event properties can fill it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

from configuration.domain.vocabulary import (
    PLAN_MODELS,
    PlanFieldEntry,
    event_schema,
    resolved,
    with_products_of,
)

FILLING = {"string", "number", "integer", "boolean"}


class PlanProperty(TypedDict):
    """The type of a property, or its format where it has one."""

    type: str


class PlanModel(TypedDict):
    """A plan model; `hub` has by type of event the properties by dotted path."""

    plan: list[PlanFieldEntry]
    hub: dict[str, dict[str, PlanProperty]]


def plan_model(
    name: str, extended: Mapping[str, Mapping[str, Any]], product_extended: Mapping[str, Any]
) -> PlanModel:
    """Return a plan model: the plan's custom fields, and properties by type of event.

    `extended` maps types of events to their definitions, `product_extended` holds those of
    products. A model of products lists the latter, other models those of the event. Properties are
    dotted paths with a type.
    """
    model = PLAN_MODELS["models"][name]
    return {
        "plan": PLAN_MODELS["fields"],
        "hub": {
            event_type: _properties(
                event_type,
                model["within"],
                product_extended
                if model["within"] is not None
                else with_products_of(event_type, extended.get(event_type, {}), product_extended),
            )
            for event_type in model["eventTypes"]
        },
    }


def _properties(
    event_type: str, within: str | None, extended: Mapping[str, Any]
) -> dict[str, PlanProperty]:
    schema = resolved(event_schema(event_type))
    if within is not None:
        schema = schema["properties"][within]["items"]
    found = dict(_scalars(schema, ""))
    for name, definition in extended.items():
        if definition["enabled"] and definition["type"] in FILLING:
            found[f"extended.{name}"] = _described(definition)
    return found


def _scalars(schema: Mapping[str, Any], at: str) -> Iterator[tuple[str, PlanProperty]]:
    for name, child in schema.get("properties", {}).items():
        path = f"{at}.{name}" if at else name
        if "properties" in child:
            yield from _scalars(child, path)
        elif FILLING.intersection(_types(child)):
            yield path, _described(child)


def _described(schema: Mapping[str, Any]) -> PlanProperty:
    kind = next(kind for kind in _types(schema) if kind != "null")
    return {"type": schema["format"]} if "format" in schema else {"type": kind}


def _types(schema: Mapping[str, Any]) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)
