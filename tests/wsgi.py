"""The product's handlers as a WSGI application, for tools that call one in this very thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from contacthub_project.api import BASE_PATH
from contacthub_project.api.requests import Request
from tests.client import content_of, handlers


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
    path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    headers = [
        (name.removeprefix("HTTP_").replace("_", "-").lower().encode(), value.encode("latin-1"))
        for name, value in environ.items()
        if (name.startswith("HTTP_") and name not in {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"})
        or name in {"CONTENT_TYPE", "CONTENT_LENGTH"}  # with underscores the server drops them
    ]
    scope = {
        "type": "http",
        "method": environ["REQUEST_METHOD"],
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "headers": headers,
        "client": (environ.get("REMOTE_ADDR", "127.0.0.1"), 1024),
        "server": (environ["SERVER_NAME"], int(environ["SERVER_PORT"])),
        "scheme": environ["wsgi.url_scheme"],
    }
    body = environ["wsgi.input"].read(length) if length else b""
    request = Request(scope, body)
    response = handlers()[not path.startswith(BASE_PATH)].answer(request)
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return content_of(response)
