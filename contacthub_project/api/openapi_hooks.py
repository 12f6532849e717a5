"""Hooks of drf-spectacular that complete the OpenAPI document as a whole."""

from __future__ import annotations

import re
from typing import Any

import contacthub_project.api.schema_extensions  # noqa: F401 - drf-spectacular finds them
from contacthub_project.api import BASE_PATH
from contacthub_project.api.autoschema import HAS_TIMESTAMPS, PARAMETER
from contacthub_project.api.components import PREFIX, add_components, schemas_in
from contacthub_project.api.descriptions import describe_components
from contacthub_project.api.operations import contract
from contacthub_project.api.parameters import DATE_FORMAT, DATE_FORMAT_PARAMETER

# Keywords of serializers' schemas that are not published: read-only and write-only properties have
# components of their own.
UNPUBLISHED = {"x-spec-enum-id", "readOnly", "writeOnly"}


def only_the_contract(endpoints: list[Any], **_: Any) -> list[Any]:
    """Return the operations of the contract only, their paths as it spells them."""
    known = contract()
    prefix = len(BASE_PATH)
    return [
        (_template(path), path_regex, method, callback)
        for path, path_regex, method, callback in endpoints
        if method in known.get(_template(path)[prefix:], {}) and method.lower() in callback.actions
    ]


def complete_document(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the named components, their descriptions, and links between operations."""
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
    """Add the header `X-Date-Format` to operations whose responses hold timestamps."""
    name = re.sub(r"\W", "", DATE_FORMAT)
    document["components"]["parameters"] = {name: DATE_FORMAT_PARAMETER}
    for methods in document["paths"].values():
        for operation in methods.values():
            if operation.pop(HAS_TIMESTAMPS, False) or _answers_moments(operation, document):
                reference = {"$ref": f"#/components/parameters/{name}"}
                operation.setdefault("parameters", []).append(reference)


def _answers_moments(operation: dict[str, Any], document: dict[str, Any]) -> bool:
    """Return whether a successful response of the operation holds a date-time, at any depth."""
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
    """Link each POST that creates something with an id to the operations that need this id."""
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


def _template(path: str) -> str:
    """Return `/x/{workspace_id}` in the contract's spelling."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), path)
