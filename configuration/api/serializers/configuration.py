from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from configuration.api.schema import MODES, RETENTION_BY_TYPE
from configuration.domain.placeholders import MOST_PLACEHOLDERS
from configuration.domain.retention import MOST_MONTHS
from configuration.domain.vocabulary import CURRENCIES, EVENT_TYPES, INDUSTRIES, TIMEZONES
from configuration.models import NodePermission, User, Workspace
from configuration.models.event_type import LARGEST_LIMIT, SMALLEST_LIMIT
from contacthub_project.api.fields import (
    IgnoredField,
    ImmutableField,
    StrictFlag,
    StrictInteger,
    StrictSerializer,
    StrictText,
    StrictUuid,
    WebAddress,
)

MERGE = "MERGE"
LARGEST_LIMIT_PER_MINUTE = 2**31 - 1


class WorkspaceConfigurationInput(StrictSerializer):
    """What a workspace may change of itself; absent values stay."""

    name = StrictText(max_length=255, required=False)
    industry = serializers.ChoiceField(INDUSTRIES, required=False)
    logo = WebAddress(max_length=1000, allow_null=True, required=False)
    timezone = serializers.ChoiceField(TIMEZONES, allow_null=True, required=False)
    currency = serializers.ChoiceField(CURRENCIES, required=False)
    customerUniquenessPolicy = serializers.ChoiceField([MERGE], allow_null=True, required=False)
    placeholderValues = serializers.ListField(
        source="placeholder_values",
        child=StrictText(max_length=255),
        max_length=MOST_PLACEHOLDERS,
        required=False,
        help_text="What identifies nobody, besides what never does; replaces the list.",
    )
    tier = ImmutableField(serializers.CharField(allow_null=True), help_text="Cannot be changed.")

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        attrs.pop("customerUniquenessPolicy", None)
        if attrs.get("timezone", "") is None:
            attrs["timezone"] = TIMEZONES[0]
        return attrs


class WorkspaceConfigurationOutput(serializers.ModelSerializer):
    """A workspace's own settings."""

    industry = serializers.ChoiceField(INDUSTRIES)
    timezone = serializers.ChoiceField(TIMEZONES)
    currency = serializers.ChoiceField(CURRENCIES)
    customerUniquenessPolicy = serializers.SerializerMethodField()
    placeholderValues = serializers.ListField(
        source="placeholder_values",
        child=serializers.CharField(),
        help_text="What identifies nobody, besides what never does.",
    )

    class Meta:
        model = Workspace
        fields = [
            "name",
            "industry",
            "logo",
            "timezone",
            "currency",
            "customerUniquenessPolicy",
            "placeholderValues",
            "tier",
        ]

    @extend_schema_field({"type": "string", "enum": [MERGE]})
    def get_customerUniquenessPolicy(self, workspace: Workspace) -> str:
        return MERGE


class Throttling(StrictSerializer):
    """Requests a minute; 0 is no limit."""

    maxRequestsPerMinute = StrictInteger(
        source="max_requests_per_minute", min_value=0, max_value=LARGEST_LIMIT_PER_MINUTE
    )


class Switch(StrictSerializer):
    """On or off."""

    value = StrictFlag()


class BasePropertyInput(StrictSerializer):
    """A base property and its switch; name and description cannot be changed."""

    name = ImmutableField(serializers.CharField())
    description = ImmutableField(serializers.CharField())
    enabled = StrictFlag()


class BaseProperty(serializers.Serializer):
    """A base property, by its path below `base`."""

    name = serializers.CharField()
    description = serializers.CharField()
    enabled = serializers.BooleanField()


class EventConfigurationInput(StrictSerializer):
    """A type of event and its switch; everything else cannot be changed."""

    id = ImmutableField(serializers.CharField())
    type = ImmutableField(serializers.CharField())
    mode = ImmutableField(serializers.CharField())
    label = ImmutableField(serializers.CharField())
    description = ImmutableField(serializers.CharField())
    propertiesSchema = ImmutableField(serializers.DictField())
    enabled = StrictFlag(default=True)


class EventConfiguration(serializers.Serializer):
    """A built-in type of event, and whether the workspace uses it."""

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


class Months(StrictSerializer):
    """How long events of a type are kept; 0 is for ever."""

    months = StrictInteger(min_value=0, max_value=MOST_MONTHS)


class PayloadSize(StrictSerializer):
    """How large an event of a type may be."""

    maxBytes = StrictInteger(min_value=SMALLEST_LIMIT, max_value=LARGEST_LIMIT)


@extend_schema_field(RETENTION_BY_TYPE)
class EventsField(serializers.DictField):
    """Months by type of event."""


class NodeRetentionInput(StrictSerializer):
    """How long a node keeps its events; types that are absent follow the workspace."""

    enabled = StrictFlag(required=False)
    events = EventsField(required=False)


class RetentionEnabled(serializers.Serializer):
    """Whether a node's old events are purged."""

    enabled = serializers.BooleanField()


class RetentionEnabledInput(StrictSerializer):
    """Whether a node's old events are to be purged; `value` is what older clients call it."""

    enabled = StrictFlag(required=False)
    value = StrictFlag(required=False, help_text="Deprecated: the same as `enabled`.")

    def validate(self, attrs: dict[str, bool]) -> dict[str, bool]:
        if len(attrs) == 2 and attrs["enabled"] != attrs["value"]:
            raise serializers.ValidationError({"value": "contradicts enabled"}, "contradiction")
        if not attrs:
            raise serializers.ValidationError({"enabled": "is required"}, "required")
        return {"enabled": attrs.get("enabled", attrs.get("value", True))}


class ProductsUpdatePolicy(StrictSerializer):
    """Which types of events update the registry of products."""

    eventTypes = serializers.ListField(child=StrictText(), allow_null=True)


class GrantInput(StrictSerializer):
    """What a person may do in a node."""

    id = StrictUuid()
    permission = serializers.ChoiceField(NodePermission.choices, default=NodePermission.READ)


class UserInput(StrictSerializer):
    """A person's nodes in the workspace; everything else cannot be changed here."""

    id = ImmutableField(serializers.IntegerField())
    username = ImmutableField(serializers.CharField())
    name = ImmutableField(serializers.CharField())
    surname = ImmutableField(serializers.CharField())
    email = ImmutableField(serializers.CharField())
    roles = ImmutableField(serializers.ListField(child=serializers.CharField()))
    registeredAt = ImmutableField(serializers.DateTimeField())
    updatedAt = IgnoredField(serializers.DateTimeField(), help_text="Generated; ignored.")
    nodes = serializers.ListField(child=GrantInput(), max_length=1000)


class Grant(serializers.Serializer):
    """A node and what a person may do in it."""

    id = serializers.UUIDField(source="node_id")
    permission = serializers.ChoiceField(NodePermission.choices)


class UserOutput(serializers.ModelSerializer):
    """A person who works in the workspace."""

    registeredAt = serializers.DateTimeField(source="registered_at")
    updatedAt = serializers.DateTimeField(source="updated_at")
    nodes = Grant(source="grants_here", many=True)

    class Meta:
        model = User
        fields = [
            "id",
            "username",
            "name",
            "surname",
            "email",
            "roles",
            "registeredAt",
            "updatedAt",
            "nodes",
        ]
