"""The retention of events, of a workspace and of a node."""

from __future__ import annotations

from rest_framework import serializers

from configuration.api.serializers.event_types import EventTypeMap
from configuration.domain.retention import MOST_MONTHS
from contacthub_project.api.fields import StrictFlag, StrictInteger
from contacthub_project.api.serializers import MapSerializer, StrictSerializer


class EventRetention(StrictSerializer):
    """The months that events of a type are kept; 0 is for ever."""

    months = StrictInteger(min_value=0, max_value=MOST_MONTHS)


class RetentionByEventType(EventTypeMap):
    """The retention of events, by type."""

    child = EventRetention()


class EventRetentionStatus(serializers.Serializer):
    """The retention of events of a type, and the moment before which they are purged now."""

    months = serializers.IntegerField(min_value=0, max_value=MOST_MONTHS)
    deletedBefore = serializers.DateTimeField(allow_null=True)


class RetentionStatusByEventType(MapSerializer):
    """The retention of events and the moments of the purge, by type."""

    child = EventRetentionStatus()


class NodeRetention(serializers.Serializer):
    """The retention of a node's events."""

    enabled = serializers.BooleanField()
    events = RetentionByEventType()


class NodeRetentionInput(StrictSerializer):
    """The body of a node's retention; absent types follow the workspace."""

    enabled = StrictFlag(required=False)
    events = RetentionByEventType(required=False)


class RetentionEnabled(serializers.Serializer):
    """Whether a node's old events are purged."""

    enabled = serializers.BooleanField()


class RetentionEnabledInput(StrictSerializer):
    """The switch of a node's purge; older clients send it as `value`."""

    enabled = StrictFlag(required=False)
    value = StrictFlag(required=False, help_text="Deprecated: the same as `enabled`.")

    def validate(self, attrs: dict[str, bool]) -> dict[str, bool]:
        if len(attrs) == 2 and attrs["enabled"] != attrs["value"]:
            raise serializers.ValidationError({"value": "contradicts enabled"}, "contradiction")
        if not attrs:
            raise serializers.ValidationError({"enabled": "is required"}, "required")
        return {"enabled": attrs.get("enabled", attrs.get("value", True))}
