"""Base and extended properties, and switches."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from configuration.api.schema import EXTENDED_PROPERTY
from configuration.domain.customer_schema import base_properties
from configuration.domain.definition_parser import read_definitions
from configuration.domain.extended_properties import Definitions
from contacthub_project.api.fields import ImmutableField, StrictFlag
from contacthub_project.api.serializers import DocumentSerializer, StrictSerializer
from contacthub_project.core.errors import FieldError


class Switch(StrictSerializer):
    """On or off."""

    value = StrictFlag()


class BasePropertyInput(StrictSerializer):
    """A base property and its switch; name and description are immutable."""

    name = ImmutableField(serializers.ChoiceField(base_properties()))
    description = ImmutableField(serializers.CharField())
    enabled = StrictFlag()


class BaseProperty(serializers.Serializer):
    """A base property, by its path below `base`."""

    name = serializers.ChoiceField(base_properties())
    description = serializers.CharField()
    enabled = serializers.BooleanField()


class ExtendedProperties(DocumentSerializer):
    """Definitions of extended properties, by name."""

    schema = {"type": "object", "additionalProperties": EXTENDED_PROPERTY}

    def read_document(self, document: dict[str, Any]) -> tuple[Definitions, list[FieldError]]:
        faults: list[FieldError] = []
        return read_definitions(document, faults), faults
