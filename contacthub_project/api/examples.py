"""Examples of operations: what is sent, and what the product answers.

They are files, `<app>/api/openapi/examples/<operationId>.json`, each a list of examples:

    [{"name": "A customer of the web shop",
      "role": "TRUSTED_APPLICATION",
      "request": {"path": {}, "query": {}, "headers": {}, "body": {}},
      "response": {"status": 201, "body": {}}}]

Only requests are written by hand. A test sends each of them to the product; run with
RECORD_EXAMPLES=1 it writes the answers into the files, otherwise it compares them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from drf_spectacular.utils import OpenApiExample

from contacthub_project.api.descriptions import openapi_folder


def example_file(module: str, operation_id: str) -> Path:
    """Where the examples of an operation lie that a view of this module serves."""
    return openapi_folder(module) / "examples" / f"{operation_id}.json"


@cache
def examples_of(module: str, operation_id: str) -> list[dict[str, Any]]:
    """The examples of an operation, as its file has them; none without a file."""
    file = example_file(module, operation_id)
    return json.loads(file.read_text()) if file.exists() else []


def openapi_examples(module: str, operation_id: str) -> Iterator[OpenApiExample]:
    """The bodies of the examples as the generator of the document takes them."""
    for example in examples_of(module, operation_id):
        request, response = example["request"], example["response"]
        name = example["name"]
        if "body" in request:
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
