"""Segments: bodies and answers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from configuration.domain.vocabulary import TIMEZONES
from contacthub_project.api.components import OPEN_OBJECT
from contacthub_project.api.fields import (
    IgnoredField,
    ImmutableField,
    StrictList,
    StrictText,
    StrictUuid,
)
from contacthub_project.api.serializers import StrictSerializer
from segments.api.schema import SHOWN_STATES
from segments.models import Segment, SegmentKind

MOST_TAGS = 50
MOST_MEMBERS = 1000
LONGEST_EXTERNAL_ID = 1000


@extend_schema_field(OPEN_OBJECT)
class SegmentQueryField(serializers.JSONField):
    """A query of the query language in its envelope."""


class SegmentValuesInput(StrictSerializer):
    """The name, description and tags of a segment."""

    name = StrictText(max_length=255)
    description = StrictText(max_length=4000, allow_blank=True, required=False)
    owner = StrictText(max_length=255, allow_blank=True, required=False)
    tags = StrictList(child=StrictText(max_length=64), max_length=MOST_TAGS, required=False)
    query = SegmentQueryField(allow_null=True, required=False)


class SegmentInput(SegmentValuesInput):
    """The body of a new segment."""

    nodeId = StrictUuid(source="node_id")
    type = serializers.ChoiceField(SegmentKind.choices, source="kind", required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("kind", SegmentKind.DYNAMIC.value)
        if attrs["kind"] == SegmentKind.DYNAMIC and attrs.get("query") is None:
            raise serializers.ValidationError({"query": "is required"}, code="required")
        return attrs


class SegmentUpdate(SegmentValuesInput):
    """The body of a changed segment; absent values stay."""

    id = ImmutableField(serializers.UUIDField())
    nodeId = ImmutableField(serializers.UUIDField())
    type = ImmutableField(serializers.ChoiceField(SegmentKind.choices))
    name = StrictText(max_length=255, required=False)
    state = IgnoredField(serializers.ChoiceField(SHOWN_STATES))
    brokenReason = IgnoredField(serializers.CharField(allow_null=True))
    size = IgnoredField(serializers.IntegerField())
    createdAt = IgnoredField(serializers.DateTimeField())
    updatedAt = IgnoredField(serializers.DateTimeField())


class SegmentOutput(serializers.ModelSerializer):
    """A segment, its state and its size."""

    nodeId = serializers.UUIDField(source="node_id")
    type = serializers.ChoiceField(SegmentKind.choices, source="kind")
    tags = serializers.ListField(child=serializers.CharField())
    query = SegmentQueryField(allow_null=True)
    state = serializers.ChoiceField(SHOWN_STATES)
    brokenReason = serializers.CharField(source="broken_reason", allow_null=True)
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")

    class Meta:
        model = Segment
        fields = [
            "id", "nodeId", "name", "description", "owner", "tags", "type", "query", "state",
            "brokenReason", "size", "createdAt", "updatedAt",
        ]  # fmt: skip


class PreviewInput(StrictSerializer):
    """A query to preview in a node."""

    nodeId = StrictUuid(source="node_id")
    query = SegmentQueryField()


class SegmentCountOutput(serializers.Serializer):
    """How many customers are in a segment."""

    segmentId = serializers.UUIDField()
    count = serializers.IntegerField()
    state = serializers.ChoiceField(SHOWN_STATES)
    lag = serializers.FloatField()


class SegmentOfCustomerOutput(serializers.ModelSerializer):
    """A segment that a customer is in."""

    type = serializers.ChoiceField(SegmentKind.choices, source="kind")
    tags = serializers.ListField(child=serializers.CharField())
    state = serializers.ChoiceField(SHOWN_STATES)

    class Meta:
        model = Segment
        fields = ["id", "name", "tags", "type", "state"]


class SegmentsOfCustomerOutput(serializers.Serializer):
    """The segments that a customer is in."""

    customerId = serializers.UUIDField()
    elements = SegmentOfCustomerOutput(many=True)


class SegmentDayOutput(serializers.Serializer):
    """The size of a segment at the end of a day."""

    day = serializers.DateField()
    size = serializers.IntegerField()
    entered = serializers.IntegerField()
    left = serializers.IntegerField()


class SegmentHistoryOutput(serializers.Serializer):
    """The size of a segment day by day."""

    segmentId = serializers.UUIDField()
    timezone = serializers.ChoiceField(TIMEZONES)
    days = SegmentDayOutput(many=True)


class SegmentMembersInput(StrictSerializer):
    """Customers to add to a static segment's list, and to remove from it."""

    add = StrictList(child=StrictUuid(), max_length=MOST_MEMBERS, required=False)
    addExternalIds = StrictList(
        source="add_external_ids",
        child=StrictText(max_length=LONGEST_EXTERNAL_ID),
        max_length=MOST_MEMBERS,
        required=False,
    )
    query = SegmentQueryField(allow_null=True, required=False)
    remove = StrictList(child=StrictUuid(), max_length=MOST_MEMBERS, required=False)


class SegmentMembersOutput(serializers.Serializer):
    """The result of a change of a list."""

    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    unknown = serializers.ListField(child=serializers.UUIDField())
    unknownExternalIds = serializers.ListField(
        source="unknown_external_ids", child=serializers.CharField()
    )


class SegmentIntersectionOutput(serializers.Serializer):
    """Customers that are in all of these segments, and in none of the others asked for."""

    segments = serializers.ListField(child=serializers.UUIDField())
    count = serializers.IntegerField()


class SegmentOverlapOutput(serializers.Serializer):
    """How segments overlap."""

    elements = SegmentIntersectionOutput(many=True)
    lag = serializers.FloatField()
