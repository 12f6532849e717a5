"""Types of events, and a workspace's settings of each of them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from configuration.api.schema import MODES, PRODUCT_EVENT_TYPE
from configuration.domain.consent_paths import is_consent_path
from configuration.domain.vocabulary import EVENT_TYPES, PRODUCT_EVENT_TYPES
from configuration.models.event_type import LARGEST_LIMIT, SMALLEST_LIMIT
from contacthub_project.api.fields import (
    ImmutableField,
    StrictFlag,
    StrictInteger,
    StrictList,
    StrictText,
)
from contacthub_project.api.serializers import MapSerializer, StrictSerializer


class EventTypeMap(MapSerializer):
    """Values by built-in type of event."""

    names = EVENT_TYPES.keys()
    wrong_name = "is not a built-in type of event"


class EventConfigurationInput(StrictSerializer):
    """A type of event and its switch; everything else is immutable."""

    id = ImmutableField(serializers.ChoiceField(list(EVENT_TYPES)))
    type = ImmutableField(serializers.ChoiceField(list(EVENT_TYPES)))
    mode = ImmutableField(serializers.ChoiceField(MODES))
    label = ImmutableField(serializers.CharField())
    description = ImmutableField(serializers.CharField())
    propertiesSchema = ImmutableField(serializers.DictField())
    enabled = StrictFlag(default=True)


class EventConfiguration(serializers.Serializer):
    """A built-in type of event, and whether it is enabled."""

    id = serializers.ChoiceField(list(EVENT_TYPES))
    type = serializers.ChoiceField(list(EVENT_TYPES))
    mode = serializers.ChoiceField(MODES)
    label = serializers.CharField()
    description = serializers.CharField()
    propertiesSchema = serializers.DictField()
    enabled = serializers.BooleanField()


class ConfiguredEventType(serializers.Serializer):
    """A type of event in short."""

    id = serializers.ChoiceField(list(EVENT_TYPES))
    mode = serializers.ChoiceField(MODES)
    enabled = serializers.BooleanField()


class EventPayloadSize(StrictSerializer):
    """The greatest size of an event of a type in bytes."""

    maxBytes = StrictInteger(min_value=SMALLEST_LIMIT, max_value=LARGEST_LIMIT)


class PayloadSizeByEventType(EventTypeMap):
    """The greatest sizes of events, by type."""

    child = EventPayloadSize()


class ConsentPath(StrictText):
    """The path of a consent, such as `marketing.automatic.email`; `consents.` may precede it."""

    default_error_messages = {"enum": "is not the path of a consent"}

    def to_internal_value(self, data: Any) -> str:
        path = super().to_internal_value(data)
        if not is_consent_path(path):
            self.fail("enum")
        return path


class ConsentPaths(StrictList):
    """Distinct consents."""

    default_error_messages = {"uniqueItems": "names a consent twice"}
    child = ConsentPath()

    def to_internal_value(self, data: Any) -> list[str]:
        paths: list[str] = super().to_internal_value(data)
        if len(set(paths)) < len(paths):
            self.fail("uniqueItems")
        return paths


class ConsentPolicy(EventTypeMap):
    """The consents that events of a type require, by type."""

    child = ConsentPaths()


@extend_schema_field(PRODUCT_EVENT_TYPE)
class ProductEventType(StrictText):
    """A type of event with products."""

    default_error_messages = {"enum": "is not a type of event with products"}

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name not in PRODUCT_EVENT_TYPES:
            self.fail("enum")
        return name


class ProductsUpdatePolicy(StrictSerializer):
    """The types of events that update the registry of products; null means none."""

    eventTypes = StrictList(child=ProductEventType(), allow_null=True)


class PlanField(serializers.Serializer):
    """A custom field of a plan."""

    id = serializers.CharField()
    type = serializers.CharField()


class PlanHubProperty(serializers.Serializer):
    """The type of a property that can fill a field of a plan."""

    type = serializers.CharField()


class PlanHubProperties(MapSerializer):
    """Properties that can fill a field of a plan, by dotted path."""

    child = PlanHubProperty()


class PlanModel(serializers.Serializer):
    """The fields of an export to Contactplan; `hub` is by type of event."""

    plan = PlanField(many=True)
    hub = serializers.DictField(child=PlanHubProperties())
