"""Compares every answer that a test gets with the OpenAPI document."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from contacthub_project.api.operations import contract
from tests.contract.document import document, resolved, validator_of

PARAMETER = re.compile(r"\{\w+\}")
COLONLESS_OFFSET = re.compile(rb"(T\d\d:\d\d:\d\d\.\d{3})\+0000")
# What any operation may answer: what the web server and the framework refuse, and what is not
# available for now, such as room on the disk.
OF_EVERY_PATH = {405, 406, 500, 503}
# Its body is left out for older clients that read none; its parameter `nodeId` says so.
BODY_IS_OPTIONAL = {"delete_customer"}


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """The paths of the document as patterns; those without parameters come first."""
    paths = sorted(contract(), key=lambda path: (path.count("{"), path))
    return [(re.compile(PARAMETER.sub("[^/]+", path)), path) for path in paths]


def operation_at(method: str, path: str) -> dict[str, Any] | None:
    """Return the document's operation for a request, None if there is none."""
    for pattern, template in _templates():
        if pattern.fullmatch(path):
            found: dict[str, Any] | None = document()["paths"][template].get(method.lower())
            return found
    return None


def contradiction(method: str, path: str, status: int, kind: str, content: bytes) -> str | None:
    """Return what in an answer is not as the document says, None if all of it is.

    `kind` is the content type, empty without content. Only JSON is compared with a schema.
    """
    operation = operation_at(method, urlsplit(path).path)
    if operation is None or status in OF_EVERY_PATH or status == 304:
        return None
    responses = operation["responses"]
    at = f"{method} {path} ({operation['operationId']}) answers {status}"
    if str(status) not in responses:
        return f"{at}, which the document does not name"
    described = resolved(responses[str(status)]).get("content", {})
    if not kind:
        is_missing = described and operation["operationId"] not in BODY_IS_OPTIONAL
        return f"{at} without the body that the document names" if is_missing else None
    if kind not in described:
        return f"{at} as {kind}; the document names {sorted(described)}"
    if kind != "application/json":
        return None
    # What `X-Date-Format` writes so is a date-time of ISO 8601, and not of RFC 3339.
    body = json.loads(COLONLESS_OFFSET.sub(rb"\1Z", content))
    faults = [
        f"/{'/'.join(map(str, each.instance_path))}: {each.message[:300]}"
        for each in validator_of(described[kind]["schema"]).iter_errors(body)
    ]
    return "; ".join([f"{at} against its schema", *faults[:5]]) if faults else None
