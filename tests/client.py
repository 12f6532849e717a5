"""A client that calls the product's own WSGI application, as the web server does."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.test import TestCase

from contacthub_project.api import BASE_PATH

NOT_SENT = object()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def paths(self) -> set[str]:
        """The pointers of the errors."""
        return {error["path"] for error in self.json["errors"]}

    def __getitem__(self, key: str) -> Any:
        return self.json[key]


class ApiClient:
    """Holds a token; paths are below the API's base path unless `absolute`."""

    def __init__(self, token: str | None = None, application: Any = None) -> None:
        self.token = token
        self.application = application

    def get(self, path: str, **options: Any) -> Answer:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = NOT_SENT, **options: Any) -> Answer:
        return self.request("POST", path, body, **options)

    def put(self, path: str, body: Any = NOT_SENT, **options: Any) -> Answer:
        return self.request("PUT", path, body, **options)

    def patch(self, path: str, body: Any = NOT_SENT, **options: Any) -> Answer:
        return self.request("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.request("DELETE", path, **options)

    def request(
        self,
        method: str,
        path: str,
        body: Any = NOT_SENT,
        *,
        raw: bytes | None = None,
        query: Any = (),
        content_type: str = "application/json",
        absolute: bool = False,
        **headers: str,
    ) -> Answer:
        """Send a request; `body` goes out as JSON, `raw` as it is, `headers` as `If_Match="1"`."""
        from contacthub_project.wsgi import application

        content = raw if raw is not None else b"" if body is NOT_SENT else json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": method,
            # As servers give it (PEP 3333): the bytes of the path as Latin-1.
            "PATH_INFO": (path if absolute else BASE_PATH + path).encode().decode("latin-1"),
            "QUERY_STRING": query if isinstance(query, str) else urlencode(query, doseq=True),
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "HTTP_HOST": "testserver",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(content)),
            "wsgi.input": io.BytesIO(content),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
        }
        if content:
            environ["CONTENT_TYPE"] = content_type
        if self.token is not None:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {self.token}"
        for name, value in headers.items():
            environ[f"HTTP_{name.upper()}"] = value
        return _call(self.application or application, environ)


def _call(application: Any, environ: dict[str, Any]) -> Answer:
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        started.append((int(status.split(" ", 1)[0]), dict(headers)))

    # Inside a test's transaction nothing is ever committed: what waits for it is run by hand.
    with TestCase.captureOnCommitCallbacks(execute=True):
        content = b"".join(application(environ, start_response))
    status, headers = started[0]
    return Answer(status, headers, content)
