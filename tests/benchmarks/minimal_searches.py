"""The limit of a search: a bare WSGI function that runs one statement and dumps its rows."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import psycopg

ADDRESS = os.environ["BARE_DATABASE"]
STATEMENTS = json.loads(os.environ["BARE_STATEMENTS"])
_local = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """GET /<name> answers the rows of the statement of that name."""
    if not hasattr(_local, "connection"):
        _local.connection = psycopg.connect(ADDRESS, autocommit=True)
    rows = _local.connection.execute(STATEMENTS[environ["PATH_INFO"][1:]]).fetchall()
    answer = orjson.dumps(rows, default=str)
    start_response(
        "200 OK",
        [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))],
    )
    return [answer]
