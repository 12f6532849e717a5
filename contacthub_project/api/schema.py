"""The OpenAPI document: written from the code, named after the contract."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from contacthub_project.api import BASE_PATH
from contacthub_project.api.operations import Operation, contract

ERROR = "Error"
PARAMETER = re.compile(r"\{(\w+)\}")
ERROR_STATUSES = {
    "400": "The request is not valid; every fault is listed",
    "401": "No token, or one that is not known",
    "403": "The token does not allow this, or the workspace is not known to it",
    "404": "Not found",
    "409": "Contradicts what is there",
    "412": "If-Match names another version than the latest",
    "413": "The payload is too large",
    "415": "The body is not application/json",
    "423": "Locked while the node is being reorganised",
    "429": "Too many requests; Retry-After says when to try again",
}
BODY_STATUSES = {"413", "415"}
WRITE_STATUSES = {"409", "412", "423"}

PAGE_PARAMETERS = [
    OpenApiParameter("page", int, description="Number of the page, from 0."),
    OpenApiParameter("size", int, description="Elements on a page."),
]


class PageObject(serializers.Serializer):
    """Which part of a list an answer holds."""

    size = serializers.IntegerField()
    totalElements = serializers.IntegerField()
    totalUnfilteredElements = serializers.IntegerField()
    totalPages = serializers.IntegerField()
    number = serializers.IntegerField()


# The same for answers that are described by JSON Schema.
PAGE_OBJECT: dict[str, Any] = {
    "type": "object",
    "properties": {
        name: {"type": "integer"}
        for name in (
            "size", "totalElements", "totalUnfilteredElements", "totalPages", "number",
        )
    },
}  # fmt: skip
ELEMENTS = {
    "type": "object",
    "required": ["elements"],
    "properties": {"elements": {"type": "array", "items": {"type": "object"}}},
}
ELEMENTS_OF_NAMES = inline_serializer(
    "Names", {"elements": serializers.ListField(child=serializers.CharField())}
)


RESOLVE_REFERENCES = OpenApiParameter(
    "resolveReferences", bool, description="Whether schemas come without references."
)


def elements_of(element: type[serializers.BaseSerializer]) -> serializers.Serializer:
    """The schema of a list that comes whole."""
    return inline_serializer(f"{element.__name__}List", {"elements": element(many=True)})


def page_of(element: type[serializers.BaseSerializer]) -> serializers.Serializer:
    """The schema of a page of such elements."""
    name = element.__name__.removesuffix("Output")
    return inline_serializer(f"{name}Page", {"elements": element(many=True), "page": PageObject()})


class ContractSchema(AutoSchema):
    """Takes summary, tag and roles from the contract's table."""

    def get_operation_id(self) -> str:
        operation = self._operation
        words = re.sub(r"[{}]", "", operation.path).strip("/").replace("-", "/").split("/")
        return operation.method.lower() + "".join(word[:1].upper() + word[1:] for word in words)

    def get_summary(self) -> str:
        return self._operation.summary

    def get_tags(self) -> list[str]:
        return [self._operation.tag]

    def get_description(self) -> str:
        described = super().get_description()
        if self._operation.is_public:
            return described
        return f"{described}\n\nRoles: {', '.join(sorted(self._operation.roles))}.".strip()

    def get_auth(self) -> list[dict[str, Any]]:
        return [] if self._operation.is_public else super().get_auth()

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False  # our lists are pages, and say so

    @property
    def _operation(self) -> Operation:
        return self.view.operations[self.method]


class ImmutableFieldSchema(OpenApiSerializerFieldExtension):
    """Describes a property that bodies may repeat as the one that answers have."""

    target_class = "contacthub_project.api.fields.ImmutableField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return auto_schema._map_serializer_field(self.target.of, direction)


class BearerScheme(OpenApiAuthenticationExtension):
    """How a client proves who it is."""

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


def only_the_contract(endpoints: list[Any], **_: Any) -> list[Any]:
    """Leave out what is no operation of the contract, and methods the contract does not have."""
    known = contract()
    prefix = len(BASE_PATH)
    return [
        (path, path_regex, method, callback)
        for path, path_regex, method, callback in endpoints
        if method in known.get(_template(path)[prefix:], {}) and callback.cls.has_handler(method)
    ]


def complete_document(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the error format, its answers, and links from what was made to what goes on with it."""
    result["components"]["schemas"][ERROR] = _error_schema()
    for methods in result["paths"].values():
        for method, operation in methods.items():
            if operation.get("security") == []:
                continue
            for status, description in ERROR_STATUSES.items():
                if _can_happen(status, method, operation):
                    operation["responses"].setdefault(status, _error_answer(description))
    _add_links(result["paths"])
    return result


def _add_links(paths: dict[str, Any]) -> None:
    """After each POST that makes something with an id: the operations that lack only this id."""
    for path, methods in paths.items():
        made = methods.get("post", {}).get("responses", {})
        item = next(
            (each for each in paths if re.fullmatch(re.escape(path) + r"/\{\w+\}", each)), None
        )
        if item is None or "201" not in made:
            continue
        parameters = {name: f"$request.path.{name}" for name in PARAMETER.findall(path)}
        parameters[PARAMETER.findall(item)[-1]] = "$response.body#/id"
        links = {
            operation["operationId"]: {
                "operationId": operation["operationId"],
                "parameters": parameters,
            }
            for target, operations in paths.items()
            if target.startswith(item) and PARAMETER.findall(target) == list(parameters)
            for operation in operations.values()
        }
        for status in {"200", "201"} & made.keys():
            made[status]["links"] = links


def _can_happen(status: str, method: str, operation: dict[str, Any]) -> bool:
    if status in BODY_STATUSES:
        return "requestBody" in operation
    if status in WRITE_STATUSES:
        return method != "get"
    return True


def _error_answer(description: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{ERROR}"}
    return {"description": description, "content": {"application/json": {"schema": reference}}}


def _error_schema() -> dict[str, Any]:
    text = {"type": "string"}
    fault = {
        "type": "object",
        "required": ["path", "message", "code", "data"],
        "properties": {
            "path": {**text, "description": "JSON pointer to the place, or to the parameter"},
            "message": text,
            "code": {"type": ["string", "null"]},
            "data": {},
        },
    }
    return {
        "type": "object",
        "required": ["message", "logref", "data", "errors"],
        "properties": {
            "message": text,
            "logref": {**text, "description": "Stands in the log line of this failure"},
            "data": {"type": ["object", "null"]},
            "errors": {"type": "array", "items": fault},
        },
    }


def _template(path: str) -> str:
    """`/x/{workspace_id}` as the contract spells it."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), path)
