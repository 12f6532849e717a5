"""Sources: applications and their tokens."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from configuration.models import Source, SourceProvider
from configuration.models.source import DATE_FORMATS
from contacthub_project.api.components import OPEN_OBJECT
from contacthub_project.api.fields import (
    ImmutableField,
    StrictFlag,
    StrictList,
    StrictText,
    StrictUuid,
)
from contacthub_project.api.serializers import StrictSerializer

MOST_NODES = 1000
DATE_FORMAT = (
    "How moments end in answers to the source: with Z, unless given, or +0000. The header"
    " X-Date-Format says it for one request."
)


class SourceInput(StrictSerializer):
    """The body of a new source."""

    provider = serializers.ChoiceField(SourceProvider.choices)
    name = StrictText(max_length=255)
    description = StrictText(max_length=1000, allow_null=True, allow_blank=True, required=False)
    properties = serializers.DictField(required=False)
    nodes = StrictList(child=StrictUuid(), allow_empty=False, max_length=MOST_NODES)
    enabled = StrictFlag(default=True)
    trusted = StrictFlag(
        required=False,
        help_text="False for scripts in web pages, whose token anybody can read: role"
        " UNTRUSTED_APPLICATION. Sources of provider API only; true unless given.",
    )
    dateFormat = serializers.ChoiceField(
        DATE_FORMATS, source="date_format", required=False, help_text=DATE_FORMAT
    )


class SourceUpdate(StrictSerializer):
    """The body of a changed source; absent values stay."""

    id = ImmutableField(serializers.UUIDField())
    provider = ImmutableField(serializers.ChoiceField(SourceProvider.choices))
    name = StrictText(max_length=255, required=False)
    description = StrictText(max_length=1000, allow_null=True, allow_blank=True, required=False)
    properties = serializers.DictField(required=False)
    nodes = StrictList(child=StrictUuid(), allow_empty=False, max_length=MOST_NODES, required=False)
    enabled = StrictFlag(required=False)
    trusted = ImmutableField(serializers.BooleanField())
    dateFormat = serializers.ChoiceField(
        DATE_FORMATS, source="date_format", required=False, help_text=DATE_FORMAT
    )
    token = ImmutableField(
        serializers.CharField(allow_null=True),
        help_text="Null or the present token; a new one is made by refreshing it.",
    )


@extend_schema_field(OPEN_OBJECT)
class SourcePropertiesField(serializers.JSONField):
    """Settings, with names defined by the provider."""


class SourceOutput(serializers.ModelSerializer):
    """A source; `token` is present only right after it was created or refreshed."""

    properties = SourcePropertiesField()
    nodes = serializers.PrimaryKeyRelatedField(many=True, read_only=True)
    dateFormat = serializers.ChoiceField(DATE_FORMATS, source="date_format", help_text=DATE_FORMAT)
    token = serializers.SerializerMethodField()

    class Meta:
        model = Source
        fields = [
            "id",
            "provider",
            "name",
            "description",
            "properties",
            "nodes",
            "enabled",
            "trusted",
            "dateFormat",
            "token",
        ]
        new_values = {"enabled": "enabled", "dateFormat": "date_format"}

    def get_token(self, source: Source) -> str | None:
        token: str | None = self.context.get("token")
        return token
