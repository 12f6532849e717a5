"""Examples of requests and answers of operations.

They are files, `<app>/api/openapi/examples/<operationId>.json`, each a list of examples:

    [{"name": "A customer of the web shop",
      "role": "TRUSTED_APPLICATION",
      "request": {"path": {}, "query": {}, "headers": {}, "body": {}},
      "response": {"status": 201, "body": {}}}]

Only requests and statuses are written by hand. tests/contract/test_examples.py sends each of
them to the product, with the same data in each run, and compares the answers; with
RECORD_EXAMPLES=1 it writes them into the files. `"role": null` sends no token.

Ids that differ in each run are placeholders in the files (`{nodeId}`, `{customerId}`, …), named
after the keys of EXAMPLE_VALUES, whose values the OpenAPI document shows instead. Path parameters
that an example leaves out get the value of this name.
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

# The value that is published for each placeholder.
EXAMPLE_VALUES: dict[str, Any] = {
    **{
        name: PATH_PARAMETERS[parameter][2]
        for name, parameter in {
            "workspaceId": "workspaceId", "nodeId": "nodeId",
            "aggregateNodeId": "aggregateNodeId", "sourceId": "sourceId", "userId": "users/{id}",
            "customerId": "customerId", "sessionId": "sessionId",
            "consentLogId": "consent-logs/{id}", "eventId": "events/{id}", "jobId": "jobId",
            "exportId": "exportId", "receiptId": "receiptId",
            "webhookId": "webhookId", "suppressionId": "suppressionId", "requestId": "requestId",
            "quarantinedId": "quarantinedId",
            "mergeId": "mergeId", "duplicateId": "duplicateId",
            "segmentId": "segmentId",
        }.items()
    },
    "otherNodeId": "019a4c1e-8f00-7000-8000-000000000012",
    "draftAggregateNodeId": "019a4c1e-8f00-7000-8000-000000000013",
    "untrustedSourceId": "019a4c1e-8f00-7000-8000-000000000014",
    "otherCustomerId": "019a4c1e-8f00-7000-8000-000000000015",
    "aggregateCustomerId": "019a4c1e-8f00-7000-8000-000000000016",
    "sendSourceId": "019a4c1e-8f00-7000-8000-000000000017",
    "survivorCustomerId": "019a4c1e-8f00-7000-8000-000000000021",
    "mergedCustomerId": "019a4c1e-8f00-7000-8000-000000000022",
    "correctedCustomerId": "019a4c1e-8f00-7000-8000-00000000002f",
    "duplicateCustomerId": "019a4c1e-8f00-7000-8000-000000000023",
    "recentSegmentId": "019a4c1e-8f00-7000-8000-000000000019",
    "listSegmentId": "019a4c1e-8f00-7000-8000-00000000001a",
    "standNodeId": "019a4c1e-8f00-7000-8000-000000000018",
}  # fmt: skip
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def example_file(module: str, operation_id: str) -> Path:
    """Return the file of the examples of an operation of a view in this module."""
    return openapi_folder(module) / "examples" / f"{operation_id}.json"


def filled_in(value: Any, values: Mapping[str, Any]) -> Any:
    """Return the JSON value with values in place of their `{name}`s; other braces stay."""
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
    """Return the examples of an operation with placeholders; none without a file."""
    file = example_file(module, operation_id)
    return json.loads(file.read_text()) if file.exists() else []


@cache
def examples_of(module: str, operation_id: str) -> list[dict[str, Any]]:
    """Return the examples of an operation with the values that are published."""
    examples: list[dict[str, Any]] = filled_in(
        written_examples(module, operation_id), EXAMPLE_VALUES
    )
    return examples


def openapi_examples(module: str, operation_id: str) -> Iterator[OpenApiExample]:
    """Yield the bodies of the examples for drf-spectacular.

    Of refused requests only the answers are published, not the invalid body.
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
