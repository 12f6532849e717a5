"""The rules by which an entry node recognises its customers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from configuration.domain.matching_policy import (
    COUNTRIES,
    MOST_PROPERTIES,
    MOST_RULES,
    MatchingProperty,
    MatchingRule,
)
from configuration.domain.normalizers import Normalizer
from configuration.models import Node
from contacthub_project.api.fields import StrictFlag, StrictList, StrictText
from contacthub_project.api.serializers import StrictSerializer

NORMALIZERS = [each.value for each in Normalizer]


class MatchingPropertyInput(StrictSerializer):
    """A property, and the form in which its values are compared."""

    property = StrictText(max_length=255)
    normalizer = serializers.ChoiceField(NORMALIZERS, default=Normalizer.TEXT.value)
    country = serializers.ChoiceField(
        sorted(COUNTRIES),
        allow_null=True,
        default=None,
        help_text="PHONE: of numbers without a prefix; that of the workspace unless given.",
    )
    gmailAliases = StrictFlag(
        default=False, help_text="EMAIL: whether dots and +tags of Gmail addresses are ignored."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        faults = {}
        if attrs["country"] is not None and attrs["normalizer"] != Normalizer.PHONE:
            faults["country"] = "is of PHONE only"
        if attrs["gmailAliases"] and attrs["normalizer"] != Normalizer.EMAIL:
            faults["gmailAliases"] = "is of EMAIL only"
        if faults:
            raise serializers.ValidationError(faults)
        return attrs


class MatchingRuleInput(StrictSerializer):
    """A rule: who is equal in all of the properties is one person."""

    properties = StrictList(
        child=MatchingPropertyInput(), allow_empty=False, max_length=MOST_PROPERTIES
    )


class MatchingRulesInput(StrictSerializer):
    """The rules of a node, the most important first."""

    rules = StrictList(child=MatchingRuleInput(), allow_empty=False, max_length=MOST_RULES)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["rules"] = [
            MatchingRule(
                tuple(
                    MatchingProperty(
                        each["property"],
                        Normalizer(each["normalizer"]),
                        each["country"],
                        each["gmailAliases"],
                    )
                    for each in rule["properties"]
                )
            )
            for rule in attrs["rules"]
        ]
        return attrs


class MatchingPropertyOutput(serializers.Serializer):
    """A property of a rule in responses."""

    property = serializers.CharField(source="path")
    normalizer = serializers.ChoiceField(NORMALIZERS)
    country = serializers.ChoiceField(
        sorted(COUNTRIES), allow_null=True, help_text="PHONE: of numbers without a prefix."
    )
    gmailAliases = serializers.BooleanField(
        source="gmail", help_text="EMAIL: whether dots and +tags of Gmail addresses are ignored."
    )


class MatchingRuleOutput(serializers.Serializer):
    """A rule in responses."""

    properties = MatchingPropertyOutput(many=True)


class MatchingRulesOutput(serializers.ModelSerializer):
    """The rules of a node in responses."""

    rules = MatchingRuleOutput(source="matching.all_rules", many=True)

    class Meta:
        model = Node
        fields = ["rules"]
