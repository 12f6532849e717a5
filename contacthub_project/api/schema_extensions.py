"""Extensions of drf-spectacular: authentication scheme, and our serializers and fields."""

from __future__ import annotations

import copy
from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import (
    build_bearer_security_scheme_object,
)
from drf_spectacular.settings import spectacular_settings

from contacthub_project.api.autoschema import Direction
from contacthub_project.api.components import Schema


class BearerScheme(OpenApiAuthenticationExtension):
    """The authentication scheme of the document."""

    target_class = "contacthub_project.api.authentication.BearerToken"
    name = ["OAuth2", "SourceToken"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        scopes = spectacular_settings.OAUTH2_SCOPES
        token_url = spectacular_settings.OAUTH2_TOKEN_URL
        flows = {
            "authorizationCode": {
                "authorizationUrl": spectacular_settings.OAUTH2_AUTHORIZATION_URL,
                "tokenUrl": token_url,
                "refreshUrl": token_url,
                "scopes": scopes,
            },
            "clientCredentials": {"tokenUrl": token_url, "scopes": scopes},
        }
        bearer = build_bearer_security_scheme_object("Authorization", "Bearer")
        return [{"type": "oauth2", "flows": flows}, bearer]


class ImmutableFieldSchema(OpenApiSerializerFieldExtension):
    """Gives immutable fields of requests the schema of the responses' field."""

    target_class = "contacthub_project.api.fields.ImmutableField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        response_field = copy.copy(self.target.of)
        response_field.allow_null = False  # the field around it does
        schema: Schema = auto_schema._map_serializer_field(response_field, direction)
        return schema


class MapSerializerSchema(OpenApiSerializerExtension):
    """Describes the values of a map by its child."""

    target_class = "contacthub_project.api.serializers.MapSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        values = auto_schema._map_serializer_field(self.target.child, "response")
        return {"type": "object", "additionalProperties": values}


class DocumentSerializerSchema(MapSerializerSchema):
    """Describes a document by the schema that its serializer names."""

    target_class = "contacthub_project.api.serializers.DocumentSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        return dict(self.target.schema)
