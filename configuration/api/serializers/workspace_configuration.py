"""A workspace's own settings, and its limit of requests."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from configuration.api.schema import MERGE
from configuration.domain.matching_policy import COUNTRIES
from configuration.domain.placeholders import MOST_PLACEHOLDERS
from configuration.domain.retention import MOST_MONTHS
from configuration.domain.vocabulary import CURRENCIES, INDUSTRIES, TIMEZONES
from configuration.models import Suppression, Workspace
from contacthub_project.api.fields import (
    ImmutableField,
    StrictFlag,
    StrictInteger,
    StrictList,
    StrictText,
    WebAddress,
)
from contacthub_project.api.serializers import StrictSerializer

LARGEST_LIMIT_PER_MINUTE = 2**31 - 1
MOST_DELETED_DAYS = 3650


class WorkspaceConfigurationInput(StrictSerializer):
    """The settings that a workspace may change; absent values stay."""

    name = StrictText(max_length=255, required=False)
    industry = serializers.ChoiceField(INDUSTRIES, required=False)
    logo = WebAddress(max_length=1000, allow_null=True, required=False)
    timezone = serializers.ChoiceField(TIMEZONES, allow_null=True, required=False)
    currency = serializers.ChoiceField(CURRENCIES, required=False)
    country = serializers.ChoiceField(
        sorted(COUNTRIES),
        allow_null=True,
        required=False,
        help_text="ISO 3166-1 code of telephone numbers without a prefix; null: of no country.",
    )
    customerUniquenessPolicy = serializers.ChoiceField([MERGE], allow_null=True, required=False)
    placeholderValues = StrictList(
        source="placeholder_values",
        child=StrictText(max_length=255),
        max_length=MOST_PLACEHOLDERS,
        required=False,
        help_text="What identifies nobody, besides what never does; replaces the list.",
    )
    deletedDays = StrictInteger(
        source="deleted_days",
        min_value=0,
        max_value=MOST_DELETED_DAYS,
        required=False,
        help_text="Days after which what is kept of deleted customers is erased; 0: at once.",
    )
    customerRetentionMonths = StrictInteger(
        source="customer_months",
        min_value=0,
        max_value=MOST_MONTHS,
        required=False,
        help_text=(
            "Customers without an event or change for so many months are deleted by the nightly"
            " purge; 0: never."
        ),
    )
    findDuplicates = StrictFlag(
        source="finds_duplicates",
        required=False,
        help_text="Whether customers that may be one person are looked for.",
    )
    followMergedIds = StrictFlag(
        source="follows_merged_ids",
        required=False,
        help_text="Whether writes by the id of a customer who was merged away reach the survivor.",
    )
    historyDays = StrictInteger(
        source="history_days",
        min_value=0,
        max_value=MOST_DELETED_DAYS,
        required=False,
        help_text="Days that values of customers which were replaced are kept; 0: not at all.",
    )
    suppression = serializers.ChoiceField(
        Suppression.values,
        required=False,
        help_text="What happens when values of somebody who was forgotten come back.",
    )
    quarantine = StrictFlag(
        required=False,
        help_text="Whether examples of refused customers and events are kept for a week.",
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
    country = serializers.ChoiceField(
        sorted(COUNTRIES),
        allow_null=True,
        help_text="ISO 3166-1 code of telephone numbers without a prefix; null: of no country.",
    )
    customerUniquenessPolicy = serializers.SerializerMethodField()
    placeholderValues = serializers.ListField(
        source="placeholder_values",
        child=serializers.CharField(),
        help_text="What identifies nobody, besides what never does.",
    )
    deletedDays = serializers.IntegerField(
        source="deleted_days",
        help_text="Days after which what is kept of deleted customers is erased; 0: at once.",
    )
    customerRetentionMonths = serializers.IntegerField(
        source="customer_months",
        help_text=(
            "Customers without an event or change for so many months are deleted by the nightly"
            " purge; 0: never."
        ),
    )
    findDuplicates = serializers.BooleanField(
        source="finds_duplicates",
        help_text="Whether customers that may be one person are looked for.",
    )
    followMergedIds = serializers.BooleanField(
        source="follows_merged_ids",
        help_text="Whether writes by the id of a customer who was merged away reach the survivor.",
    )
    historyDays = serializers.IntegerField(
        source="history_days",
        help_text="Days that values of customers which were replaced are kept; 0: not at all.",
    )
    suppression = serializers.ChoiceField(
        Suppression.values,
        help_text="What happens when values of somebody who was forgotten come back.",
    )
    quarantine = serializers.BooleanField(
        help_text="Whether examples of refused customers and events are kept for a week.",
    )

    class Meta:
        model = Workspace
        fields = [
            "name",
            "industry",
            "logo",
            "timezone",
            "currency",
            "country",
            "customerUniquenessPolicy",
            "placeholderValues",
            "deletedDays",
            "customerRetentionMonths",
            "findDuplicates",
            "followMergedIds",
            "historyDays",
            "suppression",
            "quarantine",
            "tier",
        ]
        new_values = {each: each for each in ("industry", "timezone", "currency")}

    @extend_schema_field({"type": "string", "enum": [MERGE], "default": MERGE})
    def get_customerUniquenessPolicy(self, workspace: Workspace) -> str:
        return MERGE


class Throttling(StrictSerializer):
    """Requests per minute; 0 is no limit."""

    maxRequestsPerMinute = StrictInteger(
        source="max_requests_per_minute", min_value=0, max_value=LARGEST_LIMIT_PER_MINUTE
    )
