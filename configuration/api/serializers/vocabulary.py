"""The vocabulary shared by all workspaces."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from configuration.api.schema import JSON_SCHEMA
from configuration.domain.definition_parser import TYPES
from configuration.domain.vocabulary import CONTEXTS, EVENT_CATEGORIES, MERGE_POLICIES, PROVIDERS


@extend_schema_field(JSON_SCHEMA)
class SchemaField(serializers.JSONField):
    """A JSON Schema."""


class BasePropertiesModel(serializers.Serializer):
    """The built-in base properties of customers."""

    schema = SchemaField()


class MergePolicy(serializers.Serializer):
    """A way to merge values of a property."""

    id = serializers.ChoiceField(list(MERGE_POLICIES))
    label = serializers.CharField()
    description = serializers.CharField()
    supportedTypes = serializers.ListField(child=serializers.ChoiceField(sorted(TYPES)))


class Provider(serializers.Serializer):
    """A kind of application, and the properties of its sources."""

    id = serializers.ChoiceField(list(PROVIDERS))
    label = serializers.CharField()
    description = serializers.CharField()
    creatable = serializers.BooleanField()
    propertiesSchema = SchemaField()


class EventContextModel(serializers.Serializer):
    """A context of events, and the schema of its `contextInfo`."""

    id = serializers.ChoiceField(list(CONTEXTS))
    label = serializers.CharField()
    description = serializers.CharField()
    propertiesSchema = SchemaField()


class EventCategory(serializers.Serializer):
    """A category of event types in analytics."""

    id = serializers.ChoiceField([each["id"] for each in EVENT_CATEGORIES])
    label = serializers.CharField()
