"""The limit: a bare WSGI function that does the one INSERT or SELECT of the same JSON by psycopg."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import psycopg
import uuid_utils

ADDRESS = os.environ["BARE_DATABASE"]
_local = threading.local()


def _connection() -> psycopg.Connection[Any]:
    if not hasattr(_local, "connection"):
        _local.connection = psycopg.connect(ADDRESS, autocommit=True)
        _local.connection.prepare_threshold = 1
    return _local.connection


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """POST stores the body, PATCH /<id> merges into it, GET /<id> answers what is stored."""
    if environ["REQUEST_METHOD"] == "POST":
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        key = str(uuid_utils.uuid7())
        _connection().execute(
            "INSERT INTO bare (id, document) VALUES (%s, %s::jsonb)", (key, body.decode())
        )
        answer = orjson.dumps({"id": key, **orjson.loads(body)})
    elif environ["REQUEST_METHOD"] == "PATCH":
        key, body = environ["PATH_INFO"][1:], environ["wsgi.input"].read()
        row = _connection().execute(
            "UPDATE bare SET document = document || %s::jsonb WHERE id = %s RETURNING document::text",
            (body.decode(), key),
        )
        answer = row.fetchone()[0].encode()  # type: ignore[index]
    else:
        key = environ["PATH_INFO"][1:]
        row = _connection().execute("SELECT document::text FROM bare WHERE id = %s", (key,))
        answer = row.fetchone()[0].encode()  # type: ignore[index]
    start_response(
        "200 OK",
        [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))],
    )
    return [answer]
