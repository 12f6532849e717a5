"""A workspace's own settings, and how many requests it may make."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from configuration.api.schema import MERGE
from configuration.domain.placeholders import MOST_PLACEHOLDERS
from configuration.domain.vocabulary import CURRENCIES, INDUSTRIES, TIMEZONES
from configuration.models import Workspace
from contacthub_project.api.fields import (
    ImmutableField,
    StrictInteger,
    StrictList,
    StrictText,
    WebAddress,
)
from contacthub_project.api.serializers import StrictSerializer

LARGEST_LIMIT_PER_MINUTE = 2**31 - 1


class WorkspaceConfigurationInput(StrictSerializer):
    """What a workspace may change of itself; absent values stay."""

    name = StrictText(max_length=255, required=False)
    industry = serializers.ChoiceField(INDUSTRIES, required=False)
    logo = WebAddress(max_length=1000, allow_null=True, required=False)
    timezone = serializers.ChoiceField(TIMEZONES, allow_null=True, required=False)
    currency = serializers.ChoiceField(CURRENCIES, required=False)
    customerUniquenessPolicy = serializers.ChoiceField([MERGE], allow_null=True, required=False)
    placeholderValues = StrictList(
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
        new_values = {each: each for each in ("industry", "timezone", "currency")}

    @extend_schema_field({"type": "string", "enum": [MERGE], "default": MERGE})
    def get_customerUniquenessPolicy(self, workspace: Workspace) -> str:
        return MERGE


class Throttling(StrictSerializer):
    """Requests a minute; 0 is no limit."""

    maxRequestsPerMinute = StrictInteger(
        source="max_requests_per_minute", min_value=0, max_value=LARGEST_LIMIT_PER_MINUTE
    )
