"""The vocabulary that all workspaces share: event types, contexts, providers, merge policies.

The data is in `catalogue/*.json` and read once.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypedDict
from zoneinfo import available_timezones

import pycountry

CATALOGUE = Path(__file__).parent / "catalogue"
Schema = dict[str, Any]
NO_ZONES = {"Factory", "localtime", "posixrules"}  # files of the database that are no time zones


@dataclass(frozen=True, slots=True)
class EventType:
    """A built-in type of event.

    `mode` is ACTIVE for what a customer does, PASSIVE for what a customer receives.
    """

    type: str
    mode: str
    label: str
    description: str
    category: str
    retentionMonths: int
    carriesProducts: bool


class EventCategoryEntry(TypedDict):
    """A group of event types, by which analytics counts."""

    id: str
    label: str


class ContextEntry(TypedDict):
    """A place where events happen; `contextInfo` of its events has a schema of its own."""

    id: str
    label: str
    description: str


class ProviderEntry(TypedDict):
    """A kind of application; sources of providers that are not `creatable` are legacy."""

    id: str
    label: str
    description: str
    creatable: bool


class MergePolicyEntry(TypedDict):
    """A way to merge the values of customers; `supportedTypes` are types of properties."""

    id: str
    label: str
    description: str
    supportedTypes: list[str]


class PlanFieldEntry(TypedDict):
    """A custom field of a plan; `type` is `string` or `date-time`."""

    id: str
    type: str


class PlanModelEntry(TypedDict):
    """The types of events of a plan model; `within` names the list that its rows are taken from."""

    eventTypes: list[str]
    within: str | None


class PlanModels(TypedDict):
    """The plan models by name, and the custom fields that all of them have."""

    fields: list[PlanFieldEntry]
    models: dict[str, PlanModelEntry]


def _read(name: str) -> Any:
    return json.loads((CATALOGUE / name).read_text())


def _first_named(named: list[str], everything: Iterable[str]) -> list[str]:
    return [*named, *sorted(set(everything) - set(named))]


EVENT_TYPES: Mapping[str, EventType] = {
    entry["type"]: EventType(**entry) for entry in _read("event_types.json")
}
PRODUCT_EVENT_TYPES = frozenset(
    event.type for event in EVENT_TYPES.values() if event.carriesProducts
)
MERGE_POLICIES: Mapping[str, MergePolicyEntry] = {
    entry["id"]: entry for entry in _read("merge_policies.json")
}
PROVIDERS: Mapping[str, ProviderEntry] = {entry["id"]: entry for entry in _read("providers.json")}
CONTEXTS: Mapping[str, ContextEntry] = {entry["id"]: entry for entry in _read("contexts.json")}
EVENT_CATEGORIES: list[EventCategoryEntry] = _read("event_categories.json")
PLAN_MODELS: PlanModels = _read("plan_models.json")
_ENUMS = _read("enums.json")
INDUSTRIES: list[str] = _ENUMS["industries"]
# Those that the reference names come first, and the first of all is the default.
TIMEZONES: list[str] = _first_named(_ENUMS["timezones"], available_timezones() - NO_ZONES)
CURRENCIES: list[str] = _first_named(
    _ENUMS["currencies"], {currency.alpha_3 for currency in pycountry.currencies}
)


@cache
def event_schema(event_type: str) -> Schema:
    """Return the JSON Schema of a type's built-in properties, with the definitions it uses."""
    return _with_definitions(_read(f"events/{event_type}.json"), _read("event_definitions.json"))


@cache
def context_schema(context: str) -> Schema:
    """Return the JSON Schema of `contextInfo` in a context, with the definitions it uses."""
    return _with_definitions(_read(f"contexts/{context}.json"), _read("context_definitions.json"))


@cache
def tracking_schema() -> Schema:
    """Return the JSON Schema of `tracking`, the origin of a visit."""
    schema: Schema = _read("tracking.json")
    return schema


def resolved(schema: Mapping[str, Any]) -> Schema:
    """Return the schema with every `$ref` replaced by its definition."""
    definitions = schema.get("$defs", {})

    def inline(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return inline(definitions[value["$ref"].removeprefix("#/$defs/")])
            return {name: inline(child) for name, child in value.items() if name != "$defs"}
        if isinstance(value, list):
            return [inline(item) for item in value]
        return value

    inlined: Schema = inline(dict(schema))
    return inlined


def event_properties_schema(
    event_type: str,
    extended: Mapping[str, Any],
    product_extended: Mapping[str, Any],
    *,
    resolve_references: bool,
) -> Schema:
    """Return the JSON Schema of a type's properties in a workspace.

    `extended` and `product_extended` are the enabled definitions of the type and of products; they
    are placed where `configuration.domain.event_schema.EventSchema` reads them.
    """
    schema = copy.deepcopy(event_schema(event_type))
    own = with_products_of(event_type, extended, product_extended)
    schema["properties"]["extended"] = _object_of(own)
    if "extended" in schema.get("$defs", {}):
        schema["$defs"]["extended"] = _object_of(product_extended)
    return resolved(schema) if resolve_references else schema


def with_products_of(
    event_type: str, extended: Mapping[str, Any], product_extended: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return an event's extended properties, with its product's for types about one product."""
    is_about_one = event_type in PRODUCT_EVENT_TYPES and (
        "products" not in event_schema(event_type)["properties"]
    )
    return {**product_extended, **extended} if is_about_one else extended


def _object_of(definitions: Mapping[str, Any]) -> Schema:
    return {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": dict(definitions),
    }


def _with_definitions(schema: Schema, definitions: Mapping[str, Any]) -> Schema:
    needed: dict[str, Any] = {}

    def gather(value: Any) -> None:
        if isinstance(value, dict):
            name = value.get("$ref", "").removeprefix("#/$defs/")
            if name and name not in needed:
                needed[name] = definitions[name]
                gather(definitions[name])
            for child in value.values():
                gather(child)
        elif isinstance(value, list):
            for item in value:
                gather(item)

    gather(schema)
    return {**schema, "$defs": needed} if needed else schema
