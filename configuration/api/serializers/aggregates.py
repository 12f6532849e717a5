"""Aggregate nodes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from configuration.api.schema import CONDITION
from configuration.api.serializers.nodes import UniqueCustomer, UniqueCustomerOutput
from configuration.models import Node, NodeState
from contacthub_project.api.fields import (
    ImmutableField,
    StrictList,
    StrictText,
    StrictUuid,
    WebAddress,
)
from contacthub_project.api.serializers import StrictSerializer

MOST_FILTERS = 10  # reference: Create aggregate node
MOST_ENTRY_NODES = 100


@extend_schema_field(CONDITION)
class ConditionField(serializers.JSONField):
    """A condition of the query language, validated by the action."""


class AggregateNodeInput(StrictSerializer):
    """The body of a new aggregate node."""

    name = StrictText(max_length=255)
    description = StrictText(max_length=1000, allow_null=True, allow_blank=True, required=False)
    imageUrl = WebAddress(source="image_url", max_length=1000, allow_null=True, required=False)
    entryNodes = StrictList(
        source="entry_nodes", child=StrictUuid(), allow_empty=False, max_length=MOST_ENTRY_NODES
    )
    matchingProperties = UniqueCustomer()
    exclusionFilters = StrictList(
        source="exclusion_filters",
        child=ConditionField(),
        allow_null=True,
        required=False,
        max_length=MOST_FILTERS,
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        matching = attrs.pop("matchingProperties", None)
        if matching is not None:
            attrs["unique_properties"] = matching["properties"]
            attrs["case_sensitive"] = matching["caseSensitive"]
        if attrs.get("exclusion_filters", []) is None:
            attrs["exclusion_filters"] = []
        return attrs


class AggregateNodeUpdate(AggregateNodeInput):
    """The body of a changed aggregate node; absent values stay."""

    id = ImmutableField(serializers.UUIDField())
    name = StrictText(max_length=255, required=False)
    entryNodes = StrictList(
        source="entry_nodes",
        child=StrictUuid(),
        allow_empty=False,
        max_length=MOST_ENTRY_NODES,
        required=False,
    )
    matchingProperties = UniqueCustomer(required=False)
    state = serializers.ChoiceField(NodeState.choices, required=False)


class AggregateNodeState(StrictSerializer):
    """The state of an aggregate node."""

    state = serializers.ChoiceField(NodeState.choices)


class AggregateNodeOutput(serializers.ModelSerializer):
    """An aggregate node."""

    imageUrl = serializers.CharField(source="image_url", allow_null=True)
    entryNodes = serializers.ListField(source="entry_nodes", child=serializers.UUIDField())
    matchingProperties = UniqueCustomerOutput(source="*")
    exclusionFilters = serializers.ListField(source="exclusion_filters", child=ConditionField())

    class Meta:
        model = Node
        fields = [
            "id",
            "name",
            "description",
            "imageUrl",
            "entryNodes",
            "matchingProperties",
            "exclusionFilters",
            "state",
        ]
