from __future__ import annotations

from typing import Any

from rest_framework import serializers

from configuration.models import Node
from contacthub_project.api.fields import (
    StrictFlag,
    StrictSerializer,
    StrictText,
    StrictUuid,
    WebAddress,
)

MOST_SOURCES = 1000
MOST_MANDATORY = 200


class UniqueCustomer(StrictSerializer):
    """By which properties a node recognises a customer."""

    properties = serializers.ListField(child=StrictText(max_length=255), allow_empty=False)
    caseSensitive = StrictFlag(default=False)


class EntryNodeInput(StrictSerializer):
    """An entry node to be made."""

    name = StrictText(max_length=255)
    description = StrictText(max_length=1000, allow_null=True, allow_blank=True, required=False)
    imageUrl = WebAddress(source="image_url", max_length=1000, allow_null=True, required=False)
    uniqueCustomer = UniqueCustomer(required=False)
    sourcePriority = serializers.ListField(
        source="source_priority", child=StrictUuid(), required=False, max_length=MOST_SOURCES
    )
    mandatoryProperties = serializers.ListField(
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
    """An entry node as it is to be."""

    id = StrictUuid()
    uniqueCustomer = UniqueCustomer()


class UniqueCustomerOutput(serializers.ModelSerializer):
    """By which properties a node recognises a customer."""

    properties = serializers.ListField(source="unique_properties", child=serializers.CharField())
    caseSensitive = serializers.BooleanField(source="case_sensitive")

    class Meta:
        model = Node
        fields = ["properties", "caseSensitive"]


class MatchingPolicyInput(StrictSerializer):
    """By which properties a node recognises a customer."""

    properties = serializers.ListField(
        source="unique_properties", child=StrictText(max_length=255), allow_empty=False
    )
    caseSensitive = StrictFlag(source="case_sensitive", required=False)


class NodeOutput(serializers.ModelSerializer):
    """A node of either kind."""

    imageUrl = serializers.CharField(source="image_url", allow_null=True)
    nodeType = serializers.CharField(source="type")

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
