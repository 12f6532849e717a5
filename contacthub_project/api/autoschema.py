"""Describes operations for drf-spectacular: parameters, responses, errors, authentication."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import (
    build_examples_list,
    force_instance,
)
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from contacthub_project.api.components import Schema
from contacthub_project.api.descriptions import OperationDescription, operation_description
from contacthub_project.api.examples import examples_of, openapi_examples
from contacthub_project.api.idempotency import IDEMPOTENCY_KEY
from contacthub_project.api.operations import Operation
from contacthub_project.api.parameters import (
    IF_MATCH,
    IF_NONE_MATCH,
    page_parameters,
    path_parameter,
)
from contacthub_project.api.schema import ERROR
from contacthub_project.api.serializers import DocumentSerializer, MapSerializer

Direction = Literal["request", "response"]
PARAMETER = re.compile(r"\{(\w+)\}")
WORKSPACE = "/workspaces/{workspaceId}"
HAS_TIMESTAMPS = "x-has-timestamps"  # marks operations for `openapi_hooks`, which removes it
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


class ContractSchema(AutoSchema):
    """Takes id, summary, tag and roles from the contract's table, and adds the usual errors."""

    def get_operation(self, *args: Any) -> dict[str, Any] | None:
        described = super().get_operation(*args)
        if described is None:
            return None
        errors = {*self._description.errors, *self._usual_errors(described)}
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
        if self._description.holds_moments:
            described[HAS_TIMESTAMPS] = True
        return described

    def get_operation_id(self) -> str:
        return self._operation.id

    def get_summary(self) -> str:
        return self._operation.summary

    def get_tags(self) -> list[str]:
        return [self._operation.tag]

    def get_description(self) -> str:
        return self._description.description  # never a docstring

    def get_override_parameters(self) -> list[Any]:
        """Return the shared headers; for `list` also the view's page and filters."""
        parameters = [SHARED_HEADERS[name] for name in self._description.headers]
        if self._takes_idempotency_key:
            parameters.append(IDEMPOTENCY_KEY)
        if self.view.action == "list":
            if self.view.page_rules is not None:
                parameters += page_parameters(self.view.page_rules)
            if self.view.filterset_class is not None:
                parameters += self.view.filterset_class.parameters()
        return parameters

    def get_serializer_name(self, serializer: Any, direction: Direction) -> str:
        """Return the published name: `SourceOutput` is published as `Source`."""
        return super().get_serializer_name(serializer, direction).removesuffix("Output")

    def _get_serializer_name(self, *args: Any, **options: Any) -> str:
        """Return the name without a suffix if it already says that it is a request's.

        Maps and documents are the same in requests and responses.
        """
        name = super()._get_serializer_name(*args, **options)
        if isinstance(args[0], MapSerializer | DocumentSerializer):
            return name.removesuffix("Request")
        return re.sub(r"(Input|Update)Request$", r"\1", name)

    def _map_serializer(self, serializer: Any, direction: str, *args: Any) -> Schema:
        """Mark every property of responses as required.

        `new_values` of Meta names those with a model's default.
        """
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
        """Put path parameters first, in the path's order, and add the first example's values."""
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
        """Return an error response, with the operation's examples of that status."""
        response = error_response(status)
        examples = [
            each for each in self.get_examples() if str(status) in (each.status_codes or ())
        ]
        if examples:
            content = response["content"]["application/json"]
            content["examples"] = build_examples_list(examples)
        return response

    def _usual_errors(self, described: dict[str, Any]) -> set[int]:
        """Return the statuses of errors that any operation of this shape can have."""
        errors = {400}  # an invalid path or query
        parameters = _parameters(described)
        if "requestBody" in described:
            errors |= {413, 415}
        if not self._operation.is_public:
            errors |= {401, 403}
        if {name for name, place in parameters.items() if place == "path"} - {"workspaceId"}:
            errors.add(404)
        if IF_MATCH.name in parameters:
            errors.add(412)
        if self._takes_idempotency_key:
            errors.add(409)
        if self._operation.path.startswith(WORKSPACE) and getattr(self.view, "is_throttled", False):
            errors.add(429)
        return errors

    @property
    def _takes_idempotency_key(self) -> bool:
        view = self.view
        return hasattr(view, "takes_idempotency_key") and bool(
            view.takes_idempotency_key(self._operation)
        )

    @property
    def _description(self) -> OperationDescription:
        return operation_description(type(self.view).__module__, self._operation.id)

    @property
    def _operation(self) -> Operation:
        operation: Operation = self.view.operations[self.method]
        return operation


def error_response(status: int) -> dict[str, Any]:
    """Return the description of an error response."""
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


def _parameters(described: Mapping[str, Any]) -> dict[str, str]:
    """Return names and locations of an operation's parameters."""
    return {each["name"]: each["in"] for each in described.get("parameters", [])}


def _place(parameter: Mapping[str, Any], names: Sequence[str]) -> tuple[int, int]:
    """Return a sort key of a parameter: path, query, header."""
    place = ("path", "query", "header").index(parameter["in"])
    return place, names.index(parameter["name"]) if place == 0 else 0
