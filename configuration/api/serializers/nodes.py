"""Entry nodes, and properties of all nodes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from configuration.api.schema import REKEYING_STATES
from configuration.models import Node, NodeType, Rekeying, RekeyingState
from contacthub_project.api.fields import (
    ImmutableField,
    StrictFlag,
    StrictList,
    StrictText,
    StrictUuid,
    WebAddress,
)
from contacthub_project.api.serializers import StrictSerializer

MOST_SOURCES = 1000
MOST_MANDATORY = 200


class UniqueCustomer(StrictSerializer):
    """A matching policy: the properties that identify a customer of a node."""

    properties = StrictList(child=StrictText(max_length=255), allow_empty=False)
    caseSensitive = StrictFlag(default=False)


class EntryNodeInput(StrictSerializer):
    """The body of a new entry node."""

    name = StrictText(max_length=255)
    description = StrictText(max_length=1000, allow_null=True, allow_blank=True, required=False)
    imageUrl = WebAddress(source="image_url", max_length=1000, allow_null=True, required=False)
    uniqueCustomer = UniqueCustomer(required=False)
    sourcePriority = StrictList(
        source="source_priority", child=StrictUuid(), required=False, max_length=MOST_SOURCES
    )
    mandatoryProperties = StrictList(
        source="mandatory_properties",
        child=StrictText(max_length=255),
        required=False,
        max_length=MOST_MANDATORY,
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unique = attrs.pop("uniqueCustomer", None)
        if unique is not None:
            attrs["unique_properties"] = unique["properties"]
            attrs["case_sensitive"] = unique["caseSensitive"]
        return attrs


class EntryNodeUpdate(EntryNodeInput):
    """The body of a changed entry node."""

    id = ImmutableField(serializers.UUIDField(), required=True)
    uniqueCustomer = UniqueCustomer()


class UniqueCustomerOutput(serializers.ModelSerializer):
    """A matching policy in responses."""

    properties = serializers.ListField(source="unique_properties", child=serializers.CharField())
    caseSensitive = serializers.BooleanField(source="case_sensitive")

    class Meta:
        model = Node
        fields = ["properties", "caseSensitive"]


class Progress(serializers.Serializer):
    """Processed customers and all customers, in the present state."""

    done = serializers.IntegerField()
    total = serializers.IntegerField()


class RekeyingOutput(serializers.ModelSerializer):
    """The progress of a change of a node's matching policy."""

    state = serializers.ChoiceField(
        REKEYING_STATES,
        help_text="COMPUTING, CHECKING and WRITING keys; DONE; or COLLIDED, and nothing changed.",
    )
    uniqueCustomer = serializers.SerializerMethodField()
    progress = Progress(source="*")
    collisions = serializers.ListField(
        child=serializers.ListField(child=serializers.UUIDField()),
        help_text="Customers that would be one person: at most 10 groups, of at most 10 each.",
    )
    startedAt = serializers.DateTimeField(source="started_at")
    endedAt = serializers.DateTimeField(source="ended_at", allow_null=True)

    class Meta:
        model = Rekeying
        fields = ["state", "uniqueCustomer", "progress", "collisions", "startedAt", "endedAt"]

    @extend_schema_field(UniqueCustomerOutput)
    def get_uniqueCustomer(self, rekeying: Rekeying) -> dict[str, Any]:
        return {
            "properties": rekeying.change["unique_properties"],
            "caseSensitive": rekeying.change["case_sensitive"],
        }

    def to_representation(self, instance: Rekeying) -> dict[str, Any]:
        document: dict[str, Any] = super().to_representation(instance)
        if instance.state == RekeyingState.APPLYING:
            document["state"] = RekeyingState.WRITING.value  # APPLYING takes only a moment
        return document | {"startedAt": instance.started_at, "endedAt": instance.ended_at}


class MatchingPolicyInput(StrictSerializer):
    """A matching policy as a resource of its own."""

    properties = StrictList(
        source="unique_properties", child=StrictText(max_length=255), allow_empty=False
    )
    caseSensitive = StrictFlag(source="case_sensitive", required=False)


class NodeOutput(serializers.ModelSerializer):
    """A node of either kind."""

    imageUrl = serializers.CharField(source="image_url", allow_null=True)
    nodeType = serializers.ChoiceField(NodeType.choices, source="type")

    class Meta:
        model = Node
        fields = ["id", "name", "description", "imageUrl", "nodeType", "state"]


class EntryNodeOutput(serializers.ModelSerializer):
    """An entry node."""

    imageUrl = serializers.CharField(source="image_url", allow_null=True)
    uniqueCustomer = UniqueCustomerOutput(source="*")
    sourcePriority = serializers.ListField(source="source_priority", child=serializers.UUIDField())
    mandatoryProperties = serializers.ListField(
        source="mandatory_properties", child=serializers.CharField()
    )

    class Meta:
        model = Node
        fields = [
            "id",
            "name",
            "description",
            "imageUrl",
            "uniqueCustomer",
            "sourcePriority",
            "mandatoryProperties",
        ]
