"""Examples of operations: what is sent, and what the product answers.

They are files, `<app>/api/openapi/examples/<operationId>.json`, each a list of examples:

    [{"name": "A customer of the web shop",
      "role": "TRUSTED_APPLICATION",
      "request": {"path": {}, "query": {}, "headers": {}, "body": {}},
      "response": {"status": 201, "body": {}}}]

Only requests and statuses are written by hand. tests/contract/test_examples.py sends each of
them to the product, in a world that is the same in each run; run with RECORD_EXAMPLES=1 it writes
the answers into the files, otherwise it compares them. `"role": null` sends no token.

What the world gives an id of its own in each run stands in the files as `{nodeId}`,
`{customerId}`, …: the names of EXAMPLE_VALUES, which hold what the OpenAPI document shows instead.
Path parameters that an example leaves out are those of the world's things.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from drf_spectacular.utils import OpenApiExample

from contacthub_project.api.descriptions import openapi_folder
from contacthub_project.api.parameters import PATH_PARAMETERS

# By the name of a thing of the examples' world: the value that is published.
EXAMPLE_VALUES: dict[str, Any] = {
    **{
        name: PATH_PARAMETERS[parameter][2]
        for name, parameter in {
            "workspaceId": "workspaceId", "nodeId": "nodeId",
            "aggregateNodeId": "aggregateNodeId", "sourceId": "sourceId", "userId": "users/{id}",
            "customerId": "customerId", "sessionId": "sessionId",
            "consentLogId": "consent-logs/{id}", "eventId": "events/{id}", "jobId": "jobId",
            "exportId": "exportId",
        }.items()
    },
    "otherNodeId": "019a4c1e-8f00-7000-8000-000000000012",
    "draftAggregateNodeId": "019a4c1e-8f00-7000-8000-000000000013",
    "untrustedSourceId": "019a4c1e-8f00-7000-8000-000000000014",
    "otherCustomerId": "019a4c1e-8f00-7000-8000-000000000015",
    "aggregateCustomerId": "019a4c1e-8f00-7000-8000-000000000016",
    "sendSourceId": "019a4c1e-8f00-7000-8000-000000000017",
    "standNodeId": "019a4c1e-8f00-7000-8000-000000000018",
}  # fmt: skip
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def example_file(module: str, operation_id: str) -> Path:
    """Where the examples of an operation lie that a view of this module serves."""
    return openapi_folder(module) / "examples" / f"{operation_id}.json"


def filled_in(value: Any, values: Mapping[str, Any]) -> Any:
    """The JSON value with the values in the place of their `{name}`s; other braces stay."""
    match value:
        case dict():
            return {name: filled_in(child, values) for name, child in value.items()}
        case list():
            return [filled_in(child, values) for child in value]
        case str():
            whole = _PLACEHOLDER.fullmatch(value)
            if whole and whole[1] in values:
                return values[whole[1]]  # a number stays one
            return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), value)
    return value


@cache
def written_examples(module: str, operation_id: str) -> list[dict[str, Any]]:
    """The examples of an operation, as its file has them; none without a file."""
    file = example_file(module, operation_id)
    return json.loads(file.read_text()) if file.exists() else []


@cache
def examples_of(module: str, operation_id: str) -> list[dict[str, Any]]:
    """The examples of an operation as they are published."""
    examples: list[dict[str, Any]] = filled_in(
        written_examples(module, operation_id), EXAMPLE_VALUES
    )
    return examples


def openapi_examples(module: str, operation_id: str) -> Iterator[OpenApiExample]:
    """The bodies of the examples as the generator of the document takes them.

    Of requests that are refused only the answers: a body that is wrong shows nobody how to send it.
    """
    for example in examples_of(module, operation_id):
        request, response = example["request"], example["response"]
        name = example["name"]
        if "body" in request and response["status"] < 400:
            yield OpenApiExample(
                name,
                value=request["body"],
                request_only=True,
                media_type=request.get("contentType", "application/json"),
            )
        if "body" in response:
            yield OpenApiExample(
                name,
                value=response["body"],
                response_only=True,
                status_codes=[str(response["status"])],
                media_type=response.get("contentType", "application/json"),
            )
