"""Serializers of webhooks."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from configuration.domain.vocabulary import EVENT_TYPES
from contacthub_project.api.components import OPEN_OBJECT
from contacthub_project.api.fields import (
    IgnoredField,
    ImmutableField,
    StrictInteger,
    StrictList,
    StrictText,
    StrictUuid,
)
from contacthub_project.api.serializers import StrictSerializer
from contacthub_project.core.timestamps import timestamp_from_epoch_ms
from contacthub_project.messaging.outbound_http import LONGEST_URL
from customers.domain.webhooks import MOST_IN_FLIGHT
from customers.models import (
    ChangeEntity,
    ChangeOperation,
    Webhook,
    WebhookAttempt,
    WebhookState,
)

MOST_NODES = 1000
MOST_TYPES = 200
MOST_SEGMENTS = 100
MOST_FIELDS = 100
LARGEST_OFFSET = 2**63 - 1
MOST_EVENT_CONDITIONS = 20


@extend_schema_field(OPEN_OBJECT)
class QueryField(serializers.JSONField):
    """A query of the query language in its envelope."""


class EventConditionField(serializers.JSONField):
    """A type of event with a condition and a time frame, as `did` of a query."""


class WebhookInput(StrictSerializer):
    """The body of a new webhook."""

    name = StrictText(max_length=255)
    url = StrictText(max_length=LONGEST_URL)
    entities = StrictList(
        child=serializers.ChoiceField(ChangeEntity.values), max_length=3, required=False
    )
    operations = StrictList(
        child=serializers.ChoiceField(ChangeOperation.values), max_length=3, required=False
    )
    nodes = StrictList(source="node_ids", child=StrictUuid(), max_length=MOST_NODES, required=False)
    eventTypes = StrictList(
        source="event_types",
        child=serializers.ChoiceField([*EVENT_TYPES]),
        max_length=MOST_TYPES,
        required=False,
    )
    segments = StrictList(
        source="segment_ids", child=StrictUuid(), max_length=MOST_SEGMENTS, required=False
    )
    condition = QueryField(allow_null=True, required=False)
    eventConditions = StrictList(
        source="event_conditions",
        child=EventConditionField(),
        max_length=MOST_EVENT_CONDITIONS,
        required=False,
    )
    # DRF takes declared fields out of the class, so its own `fields` stays.
    fields = StrictList(  # type: ignore[assignment]
        source="field_paths",
        child=StrictText(max_length=255),
        max_length=MOST_FIELDS,
        required=False,
    )
    maxInFlight = StrictInteger(
        source="max_in_flight", min_value=1, max_value=MOST_IN_FLIGHT, required=False
    )
    state = serializers.ChoiceField(WebhookState.choices, required=False)


class WebhookSelectionInput(WebhookInput):
    """The body of a webhook to try; what does not select changes or properties has no effect."""

    name = StrictText(max_length=255, required=False)
    url = StrictText(max_length=LONGEST_URL, required=False)


class WebhookUpdate(WebhookInput):
    """The body of a changed webhook; absent values stay."""

    id = ImmutableField(serializers.UUIDField())
    name = StrictText(max_length=255, required=False)
    url = StrictText(max_length=LONGEST_URL, required=False)
    pausedReason = IgnoredField(serializers.CharField(allow_null=True))
    failingSince = IgnoredField(serializers.DateTimeField(allow_null=True))
    failures = IgnoredField(serializers.IntegerField())
    deliveredOffset = IgnoredField(serializers.IntegerField())
    nextAttemptAt = IgnoredField(serializers.DateTimeField())
    secret = IgnoredField(serializers.CharField(allow_null=True))
    createdAt = IgnoredField(serializers.DateTimeField())
    updatedAt = IgnoredField(serializers.DateTimeField())


class WebhookOutput(serializers.ModelSerializer):
    """A webhook and its progress."""

    entities = serializers.ListField(child=serializers.ChoiceField(ChangeEntity.values))
    operations = serializers.ListField(child=serializers.ChoiceField(ChangeOperation.values))
    nodes = serializers.ListField(source="node_ids", child=serializers.UUIDField())
    eventTypes = serializers.ListField(
        source="event_types", child=serializers.ChoiceField([*EVENT_TYPES])
    )
    segments = serializers.ListField(source="segment_ids", child=serializers.UUIDField())
    condition = QueryField(allow_null=True)
    eventConditions = serializers.ListField(source="event_conditions", child=EventConditionField())
    fields = serializers.ListField(  # type: ignore[assignment]
        source="field_paths", child=serializers.CharField()
    )
    maxInFlight = serializers.IntegerField(source="max_in_flight")
    pausedReason = serializers.CharField(source="paused_reason", allow_null=True)
    failingSince = serializers.DateTimeField(source="failing_since", allow_null=True)
    deliveredOffset = serializers.IntegerField(source="delivered_offset")
    nextAttemptAt = serializers.DateTimeField(source="next_attempt_at")
    secret = serializers.SerializerMethodField()
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")

    class Meta:
        model = Webhook
        fields = [
            "id", "name", "url", "entities", "operations", "nodes", "eventTypes", "segments",
            "condition", "eventConditions", "fields", "maxInFlight", "state", "pausedReason",
            "failures", "failingSince", "nextAttemptAt", "deliveredOffset", "secret", "createdAt",
            "updatedAt",
        ]  # fmt: skip

    def get_secret(self, webhook: Webhook) -> str | None:
        secret: str | None = self.context.get("secret")
        return secret


class ReplayInput(StrictSerializer):
    """The start of a repeated delivery: after an offset, or at a moment."""

    offset = StrictInteger(min_value=0, max_value=LARGEST_OFFSET, required=False)
    timestamp = StrictInteger(min_value=0, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError(
                "must have one of offset and timestamp", code="exclusive"
            )
        if "timestamp" in attrs:
            since = timestamp_from_epoch_ms(attrs["timestamp"])
            if since is None:
                raise serializers.ValidationError({"timestamp": "is no moment"}, code="range")
            return {"offset": None, "since": since}
        return {"offset": attrs["offset"], "since": None}


class DeliveryOutput(serializers.Serializer):
    """The result of a message."""

    status = serializers.IntegerField(allow_null=True)
    milliseconds = serializers.IntegerField()
    error = serializers.CharField(allow_null=True)
    answer = serializers.CharField()


class WebhookAttemptOutput(serializers.ModelSerializer):
    """An attempt to deliver a message."""

    messageId = serializers.CharField(source="message_id")
    firstOffset = serializers.IntegerField(source="first_offset")
    lastOffset = serializers.IntegerField(source="last_offset")
    updates = serializers.IntegerField()
    attemptedAt = serializers.DateTimeField(source="attempted_at")

    class Meta:
        model = WebhookAttempt
        fields = [
            "id", "messageId", "firstOffset", "lastOffset", "updates", "status", "error", "answer",
            "milliseconds", "attemptedAt",
        ]  # fmt: skip
