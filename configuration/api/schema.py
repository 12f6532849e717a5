"""Components of the OpenAPI document that no serializer describes."""

from __future__ import annotations

from configuration.domain.condition_parser import CONJUNCTIONS, DEPRECATED_OPERATORS, OPERATORS
from configuration.domain.customer_schema import base_properties
from configuration.domain.definition_parser import TYPES
from configuration.domain.matching_policy import COUNTRIES
from configuration.domain.normalizers import Normalizer
from configuration.domain.value_constraints import FORMATS
from configuration.domain.vocabulary import (
    CONTEXTS,
    CURRENCIES,
    EVENT_CATEGORIES,
    EVENT_TYPES,
    INDUSTRIES,
    MERGE_POLICIES,
    PLAN_MODELS,
    PRODUCT_EVENT_TYPES,
    PROVIDERS,
    TIMEZONES,
)
from configuration.models import (
    NodePermission,
    NodeState,
    NodeType,
    RekeyingState,
    Suppression,
    WorkspaceStatus,
)
from configuration.models.user import Role
from contacthub_project.api.components import (
    ID,
    INTEGER,
    OPEN_OBJECT,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    component,
    enum_component,
    object_component,
    reference_to,
)

FLAG: Schema = {"type": "boolean"}
APPLICATION_ROLES = ("TRUSTED_APPLICATION", "UNTRUSTED_APPLICATION")
MODES = ("ACTIVE", "PASSIVE")
MERGE = "MERGE"
REKEYING_STATES = [state for state in RekeyingState.values if state != RekeyingState.APPLYING]

TIMEZONE = enum_component("Timezone", TIMEZONES)
CURRENCY = enum_component("Currency", CURRENCIES)
INDUSTRY = enum_component("Industry", INDUSTRIES)
EVENT_TYPE = enum_component("EventType", EVENT_TYPES)
EVENT_CONTEXT = enum_component("EventContext", CONTEXTS)
PRODUCT_EVENT_TYPE = enum_component(
    "ProductEventType", (name for name in EVENT_TYPES if name in PRODUCT_EVENT_TYPES)
)
EVENT_MODE = enum_component("EventMode", MODES)
EVENT_CATEGORY = enum_component("EventCategoryId", (each["id"] for each in EVENT_CATEGORIES))
MERGE_POLICY = enum_component("MergePolicyId", MERGE_POLICIES)
COUNTRY = enum_component("Country", sorted(COUNTRIES))
NORMALIZER = enum_component("Normalizer", (each.value for each in Normalizer))
NODE_TYPE = enum_component("NodeType", NodeType.values)
NODE_STATE = enum_component("NodeState", NodeState.values)
NODE_PERMISSION = enum_component("NodePermission", NodePermission.values)
SUPPRESSION = enum_component("SuppressionPolicy", Suppression.values)
WORKSPACE_STATUS = enum_component("WorkspaceStatus", WorkspaceStatus.values)
PROVIDER = enum_component("SourceProvider", PROVIDERS)
ROLES = [*Role.values, *APPLICATION_ROLES]
ROLE = enum_component("Role", ROLES)
USER_ROLE = enum_component("UserRole", Role.values)
UNIQUENESS_POLICY = enum_component("CustomerUniquenessPolicy", [MERGE])
REKEYING_STATE = enum_component("RekeyingState", REKEYING_STATES)
PLAN_MODEL_NAME = enum_component("PlanModelName", PLAN_MODELS["models"])
PROPERTY_TYPE = enum_component("PropertyType", sorted(TYPES))
PROPERTY_FORMAT = enum_component("PropertyFormat", sorted(FORMATS))
CONDITION_TYPE = enum_component("ConditionType", ["atomic", "composite"])
CONJUNCTION = enum_component("Conjunction", sorted(CONJUNCTIONS))
OPERATOR = enum_component("ConditionOperator", [*OPERATORS, *DEPRECATED_OPERATORS])

BASE_PROPERTY_NAME = enum_component("BasePropertyName", base_properties())

JSON_SCHEMA = component("JsonSchema", OPEN_OBJECT)
CONDITION = component(
    "Condition",
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "type": CONDITION_TYPE,
            "name": TEXT,
            "attribute": TEXT,
            "operator": OPERATOR,
            "value": {},
            "conjunction": CONJUNCTION,
            "conditions": {"type": "array", "items": reference_to("Condition")},
        },
    },
)

EXTENDED_PROPERTY = component(
    "ExtendedProperty",
    {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": PROPERTY_TYPE,
            "label": {"type": ["string", "null"], "maxLength": 255},
            "description": {"type": ["string", "null"], "maxLength": 1000},
            "enabled": FLAG | {"default": True},
            "indexed": FLAG | {"default": False},
            "mergePolicy": MERGE_POLICY | {"default": "OBJ_PRIORITY"},
            "format": PROPERTY_FORMAT,
            "minLength": INTEGER,
            "maxLength": INTEGER,
            "pattern": TEXT,
            "enum": {"type": "array", "items": TEXT},
            "minimum": {"type": "number"},
            "maximum": {"type": "number"},
            "exclusiveMinimum": {"type": "number"},
            "exclusiveMaximum": {"type": "number"},
            "multipleOf": {"type": "number"},
            "items": OPEN_OBJECT,
            "minItems": INTEGER,
            "maxItems": INTEGER,
            "uniqueItems": FLAG,
            "properties": {
                "type": "object",
                "additionalProperties": reference_to("ExtendedProperty"),
            },
        },
    },
)
SEND_SUBSCRIPTIONS = component(
    "SendSubscriptionMappings",
    {
        "type": "array",
        "items": object_component(
            "SendSubscriptionMapping",
            {
                "hubSubscriptionId": TEXT,
                "sendSystem": TEXT,
                "webformCode": TEXT_OR_NULL,
                "nodeId": ID,
                "sourceId": ID,
            },
            required=["hubSubscriptionId", "sendSystem", "nodeId", "sourceId"],
        ),
    },
)
