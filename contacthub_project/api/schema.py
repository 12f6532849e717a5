"""The OpenAPI document: one description for each operation of the contract's table.

Views name parameters, request and answers (`extend_schema`); what is said of them in words is in
`descriptions.toml` of their app (see `contacthub_project.api.descriptions`). Docstrings are for
those who work on the code and never reach the document.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import (
    build_bearer_security_scheme_object,
    build_examples_list,
    force_instance,
)
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, inline_serializer
from rest_framework import serializers

from contacthub_project.api import BASE_PATH
from contacthub_project.api.components import (
    PREFIX,
    Schema,
    add_components,
    component,
    page_object,
    schemas_in,
)
from contacthub_project.api.descriptions import (
    OperationDescription,
    describe_components,
    operation_description,
)
from contacthub_project.api.examples import examples_of, openapi_examples
from contacthub_project.api.operations import Operation, contract
from contacthub_project.api.parameters import (
    CONFIGURATION_PAGE,
    DATE_FORMAT,
    DATE_FORMAT_PARAMETER,
    IF_MATCH,
    IF_NONE_MATCH,
    RESOLVE_REFERENCES,
    page_parameters,
    path_parameter,
)
from contacthub_project.api.serializers import DocumentSerializer, MapSerializer

__all__ = [
    "ELEMENTS_OF_NAMES", "PAGE_OBJECT", "PAGE_PARAMETERS", "RESOLVE_REFERENCES",
    "elements_of", "page_of",
]  # fmt: skip

Direction = Literal["request", "response"]
PAGE_PARAMETERS = CONFIGURATION_PAGE  # of most lists
PARAMETER = re.compile(r"\{(\w+)\}")
HOLDS_MOMENTS = "x-holds-moments"  # of an operation, until the document is complete
# What the generator leaves behind; bodies and answers have components of their own, which tell
# what is read and what is written.
UNPUBLISHED = {"x-spec-enum-id", "readOnly", "writeOnly"}
WORKSPACE = "/workspaces/{workspaceId}"
ERROR = component(
    "Error",
    {
        "type": "object",
        "description": "Every refusal and failure is told in this form.",
        "required": ["message", "logref", "data", "errors"],
        "properties": {
            "message": {"type": "string", "description": "What is wrong, in one sentence."},
            "logref": {
                "type": "string",
                "format": "uuid",
                "description": "Stands in the product's log line of this refusal.",
            },
            "data": {
                "type": ["object", "null"],
                "additionalProperties": True,
                "description": "What belongs to the message, such as `customer` of a conflict.",
            },
            "errors": {
                "type": "array",
                "description": "Every fault of the request; may be empty.",
                "items": component(
                    "ErrorDetail",
                    {
                        "type": "object",
                        "description": "One fault of a request.",
                        "required": ["path", "message", "code", "data"],
                        "properties": {
                            "path": {
                                "type": "string",
                                "description": "JSON pointer into the body, or `/` and the name"
                                " of a parameter.",
                            },
                            "message": {"type": "string", "description": "What is wrong there."},
                            "code": {
                                "type": ["string", "null"],
                                "description": "The rule that is broken, such as `required`.",
                            },
                            "data": {"description": "What belongs to the fault; mostly null."},
                        },
                    },
                ),
            },
        },
    },
)
ERROR_STATUSES = {
    400: "The request is not valid; every fault is listed.",
    401: "There is no token, or it is not known or no longer valid.",
    403: "The roles of the token do not allow this, its grants do not reach the node, or the"
    " workspace is disabled, suspended or not known to it.",
    404: "There is no such resource in the workspace.",
    409: "The request contradicts what is there.",
    410: "What was asked for is no longer kept.",
    412: "`If-Match` names another version than the latest.",
    413: "The body is too large.",
    415: "The body has another content type than the one named here.",
    423: "Locked: the node is being emptied or reorganised. Try again later.",
    429: "Too many requests in this minute; `Retry-After` says when to try again.",
    503: "What the answer needs is not available at the moment; try again.",
}
ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    response=[200, 201],
    description="The version of the resource, for `If-Match` and `If-None-Match`.",
)
SHARED_HEADERS = {each.name: each for each in (ETAG, IF_MATCH, IF_NONE_MATCH)}
SUCCESSES = {200: "Done.", 201: "Made.", 202: "Taken in.", 204: "Done; there is no body."}


class PageObject(serializers.Serializer):
    """Which part of a list the answer holds."""

    size = serializers.IntegerField(help_text="Elements on a page, as asked for or by default.")
    totalElements = serializers.IntegerField(
        help_text="Elements that fit; searches count at most 10000."
    )
    totalUnfilteredElements = serializers.IntegerField(
        help_text="Elements without the filters; searches count at most 10000."
    )
    totalPages = serializers.IntegerField(help_text="Pages of this size that hold them.")
    number = serializers.IntegerField(help_text="Number of this page, from 0.")


PAGE_OBJECT: Schema = page_object()  # the same for answers described by JSON Schema
ELEMENTS_OF_NAMES = inline_serializer(
    "Names",
    {
        "elements": serializers.ListField(
            child=serializers.CharField(), help_text="The names, in alphabetical order."
        )
    },
)


def elements_of(
    element: type[serializers.BaseSerializer],
    elements: str = "elements",
    *,
    name: str | None = None,
) -> serializers.Serializer:
    """The schema of a list that comes whole; `elements` says what it lists.

    `name` is that of the component, if it is not made of the element's.
    """
    listed = element(many=True, help_text=f"The {elements}.")
    name = name or f"{element.__name__.removesuffix('Output')}List"
    return inline_serializer(name, {"elements": listed})


def page_of(
    element: type[serializers.BaseSerializer], elements: str = "elements"
) -> serializers.Serializer:
    """The schema of a page of such elements; `elements` says what they are."""
    listed = element(many=True, help_text=f"The {elements} on this page, in the order asked for.")
    part = PageObject(help_text="Which part of the list this is.")
    name = element.__name__.removesuffix("Output")
    return inline_serializer(f"{name}Page", {"elements": listed, "page": part})


class ContractSchema(AutoSchema):
    """Takes id, summary, tag and roles from the contract's table, and adds what can go wrong."""

    def get_operation(self, *args: Any) -> dict[str, Any] | None:
        described = super().get_operation(*args)
        if described is None:
            return None
        errors = {*self._said.errors, *self._usual_errors(described)}
        if IF_NONE_MATCH.name in _parameters(described):
            described["responses"]["304"] = {"description": "The client has the latest version."}
        for status, response in described["responses"].items():
            response["description"] = response.get("description") or SUCCESSES.get(
                int(status), ERROR_STATUSES.get(int(status), "")
            )
        for status in sorted(errors):
            described["responses"].setdefault(str(status), self._error_response(status))
        if not self._operation.is_public:
            roles = ", ".join(sorted(self._operation.roles))
            described["description"] = f"{described.get('description', '')}\n\nRoles: {roles}."
            described["description"] = described["description"].strip()
        if "requestBody" in described:
            described["requestBody"]["required"] = True
        self._complete_parameters(described)
        if self._said.holds_moments:
            described[HOLDS_MOMENTS] = True
        return described

    def get_operation_id(self) -> str:
        return self._operation.id

    def get_summary(self) -> str:
        return self._operation.summary

    def get_tags(self) -> list[str]:
        return [self._operation.tag]

    def get_description(self) -> str:
        return self._said.description  # never a docstring

    def get_override_parameters(self) -> list[Any]:
        """Shared headers; of the action `list` also the view's page and filters."""
        parameters = [SHARED_HEADERS[name] for name in self._said.headers]
        if self.view.action == "list":
            if self.view.page_rules is not None:
                parameters += page_parameters(self.view.page_rules)
            if self.view.filterset_class is not None:
                parameters += self.view.filterset_class.parameters()
        return parameters

    def get_serializer_name(self, serializer: Any, direction: Direction) -> str:
        """`SourceOutput` is published as `Source`."""
        return super().get_serializer_name(serializer, direction).removesuffix("Output")

    def _get_serializer_name(self, *args: Any, **options: Any) -> str:
        """Bodies whose name says that they are sent need no suffix that says it again.

        Maps and documents are the same whether they are sent or answered.
        """
        name = super()._get_serializer_name(*args, **options)
        if isinstance(args[0], MapSerializer | DocumentSerializer):
            return name.removesuffix("Request")
        return re.sub(r"(Input|Update)Request$", r"\1", name)

    def _map_serializer(self, serializer: Any, direction: str, *args: Any) -> Schema:
        """Answers have every property; `new_values` of Meta names those with a model's default."""
        schema: Schema = super()._map_serializer(serializer, direction, *args)
        if direction == "response" and "properties" in schema:
            schema["required"] = sorted(schema["properties"])
            meta: Any = getattr(force_instance(serializer), "Meta", None)
            for name, column in getattr(meta, "new_values", {}).items():
                schema["properties"][name]["default"] = meta.model._meta.get_field(column).default
        return schema

    def get_examples(self) -> list[OpenApiExample]:
        return list(openapi_examples(type(self.view).__module__, self._operation.id))

    def get_auth(self) -> list[dict[str, Any]]:
        return [] if self._operation.is_public else super().get_auth()

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False  # lists are described as pages

    def _resolve_path_parameters(self, variables: Iterable[str]) -> list[dict[str, Any]]:
        parameters = []
        for name in variables:
            schema, description, _ = path_parameter(self._operation.path, name)
            parameters.append(
                {
                    "name": name,
                    "in": "path",
                    "required": True,
                    "description": description,
                    "schema": dict(schema),
                }
            )
        return parameters

    def _complete_parameters(self, described: dict[str, Any]) -> None:
        """Put those of the path first, in its order, and add the values of the first example."""
        names = PARAMETER.findall(self._operation.path)
        parameters = described.get("parameters", [])
        parameters.sort(key=lambda each: _place(each, names))
        examples = examples_of(type(self.view).__module__, self._operation.id)
        example: dict[str, Any] = examples[0]["request"] if examples else {}
        for each in parameters:
            given = example.get({"header": "headers"}.get(each["in"], each["in"]), {})
            if each["name"] in given:
                each["example"] = given[each["name"]]
            elif each["in"] == "path":
                each["example"] = path_parameter(self._operation.path, each["name"])[2]

    def _error_response(self, status: int) -> dict[str, Any]:
        """An error with those examples of the operation that are answered so."""
        response = error_response(status)
        examples = [
            each for each in self.get_examples() if str(status) in (each.status_codes or ())
        ]
        if examples:
            content = response["content"]["application/json"]
            content["examples"] = build_examples_list(examples)
        return response

    def _usual_errors(self, described: dict[str, Any]) -> set[int]:
        """What can go wrong with any operation of this shape."""
        errors = set()
        parameters = _parameters(described)
        has_body = "requestBody" in described
        checked = {name for name, place in parameters.items() if place != "path"}
        if has_body or checked - {IF_MATCH.name, IF_NONE_MATCH.name}:
            errors.add(400)
        if has_body:
            errors |= {413, 415}
        if not self._operation.is_public:
            errors |= {401, 403}
        if {name for name, place in parameters.items() if place == "path"} - {"workspaceId"}:
            errors.add(404)
        if IF_MATCH.name in parameters:
            errors.add(412)
        if self._operation.path.startswith(WORKSPACE) and getattr(self.view, "is_throttled", False):
            errors.add(429)
        return errors

    @property
    def _said(self) -> OperationDescription:
        return operation_description(type(self.view).__module__, self._operation.id)

    @property
    def _operation(self) -> Operation:
        operation: Operation = self.view.operations[self.method]
        return operation


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


class ImmutableFieldSchema(OpenApiSerializerFieldExtension):
    """What bodies may repeat has the schema that answers have."""

    target_class = "contacthub_project.api.fields.ImmutableField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        answered = copy.copy(self.target.of)
        answered.allow_null = False  # the field around it says so already
        schema: Schema = auto_schema._map_serializer_field(answered, direction)
        return schema


class MapSerializerSchema(OpenApiSerializerExtension):
    """A map has values like those of its child."""

    target_class = "contacthub_project.api.serializers.MapSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        values = auto_schema._map_serializer_field(self.target.child, "response")
        return {"type": "object", "additionalProperties": values}


class DocumentSerializerSchema(MapSerializerSchema):
    """A document has the schema that its serializer names."""

    target_class = "contacthub_project.api.serializers.DocumentSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        return dict(self.target.schema)


def only_the_contract(endpoints: list[Any], **_: Any) -> list[Any]:
    """The operations of the contract, their paths as it spells them; nothing else."""
    known = contract()
    prefix = len(BASE_PATH)
    return [
        (_template(path), path_regex, method, callback)
        for path, path_regex, method, callback in endpoints
        if method in known.get(_template(path)[prefix:], {}) and method.lower() in callback.actions
    ]


def complete_document(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the named components, what is said of them, and links between operations."""
    for schema in result["components"]["schemas"].values():
        schema.pop("description", None)  # of serializers these are docstrings
        for field in schemas_in(schema):
            for keyword in UNPUBLISHED:
                field.pop(keyword, None)
    add_components(result)
    describe_components(result["components"]["schemas"])
    _add_date_format(result)
    _add_links(result["paths"])
    return result


def _add_date_format(document: dict[str, Any]) -> None:
    """Give the operations whose answers hold moments the header that says how they are written."""
    name = re.sub(r"\W", "", DATE_FORMAT)
    document["components"]["parameters"] = {name: DATE_FORMAT_PARAMETER}
    for methods in document["paths"].values():
        for operation in methods.values():
            if operation.pop(HOLDS_MOMENTS, False) or _answers_moments(operation, document):
                reference = {"$ref": f"#/components/parameters/{name}"}
                operation.setdefault("parameters", []).append(reference)
                operation["responses"].setdefault("400", error_response(400))
                operation["responses"] = dict(sorted(operation["responses"].items()))


def _answers_moments(operation: dict[str, Any], document: dict[str, Any]) -> bool:
    """Whether a success of the operation holds a date-time, however deep."""
    schemas = document["components"]["schemas"]
    pending = [
        content["schema"]
        for status, response in operation["responses"].items()
        if status < "300"
        for content in response.get("content", {}).values()
    ]
    seen: set[str] = set()
    while pending:
        for schema in schemas_in(pending.pop()):
            if schema.get("format") == "date-time":
                return True
            name = schema.get("$ref", "").removeprefix(PREFIX)
            if name and name not in seen:
                seen.add(name)
                pending.append(schemas[name])
    return False


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


def _parameters(described: Mapping[str, Any]) -> dict[str, str]:
    """The names of an operation's parameters, and where they stand."""
    return {each["name"]: each["in"] for each in described.get("parameters", [])}


def _place(parameter: Mapping[str, Any], names: Sequence[str]) -> tuple[int, int]:
    """Where a parameter stands among the others: path, query, header."""
    place = ("path", "query", "header").index(parameter["in"])
    return place, names.index(parameter["name"]) if place == 0 else 0


def error_response(status: int) -> dict[str, Any]:
    """What the document says of an error."""
    content = {"application/json": {"schema": ERROR}}
    response: dict[str, Any] = {"description": ERROR_STATUSES[status], "content": content}
    if status == 429:
        response["headers"] = {
            "Retry-After": {
                "schema": {"type": "integer"},
                "description": "Seconds until the next request is taken.",
            }
        }
    return response


def _template(path: str) -> str:
    """`/x/{workspace_id}` as the contract spells it."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), path)
