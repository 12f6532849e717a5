"""A client that calls the product's own handlers, as the web server does once it has a request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.core.signals import request_finished
from django.db import close_old_connections
from django.http.response import HttpResponseBase
from django.test import TestCase

from contacthub_project.api import BASE_PATH
from contacthub_project.api.renderers import AsyncStream
from contacthub_project.api.requests import Request
from contacthub_project.runtime.blocking import run_blocking

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

    compares_answers = True  # with the OpenAPI document

    def __init__(self, token: str | None = None, handler: Any = None) -> None:
        self.token = token
        self.handler = handler

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

    def request(self, method: str, path: str, body: Any = NOT_SENT, **options: Any) -> Answer:
        """Send a request; see `send`."""
        # Inside a test's transaction nothing is ever committed: what waits for it is run by hand.
        with TestCase.captureOnCommitCallbacks(execute=True):
            response = self.send(method, path, body, **options)
            content = b"".join(content_of(response))
        answer = Answer(response.status_code, dict(response.items()), content)
        if self.compares_answers and not options.get("absolute"):
            check_answer(method, path, answer)
        return answer

    def stream(self, path: str, **options: Any) -> Iterator[bytes]:
        """The parts of the answer to a GET, as they come."""
        return content_of(self.send("GET", path, **options))

    def send(
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
    ) -> HttpResponseBase:
        """Send a request; `body` goes out as JSON, `raw` as it is, `headers` as `If_Match="1"`."""
        content = raw if raw is not None else b"" if body is NOT_SENT else json.dumps(body).encode()
        given = {"host": "testserver", "content-length": str(len(content))}
        if content:
            given["content-type"] = content_type
        if self.token is not None:
            given["authorization"] = f"Bearer {self.token}"
        given |= {name.replace("_", "-").lower(): value for name, value in headers.items()}
        scope = {
            "type": "http",
            "method": method,
            "path": path if absolute else BASE_PATH + path,
            "query_string": (
                query if isinstance(query, str) else urlencode(query, doseq=True)
            ).encode(),
            "headers": [
                (name.encode(), value.encode("utf-8", "surrogatepass"))
                for name, value in given.items()
            ],
            "client": ("127.0.0.1", 1024),
            "server": ("testserver", 80),
            "scheme": "http",
        }
        request = Request(scope, content)
        handler = self.handler or handlers()[not request.path_info.startswith(BASE_PATH)]
        response: HttpResponseBase = handler.answer(request)
        return response


class LoopClient:
    """Calls the ASGI application in the event loop at hand, as the web server does."""

    def __init__(self, token: str | None = None) -> None:
        self.token = token

    async def request(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request; `headers` as `If_Match="1"`."""
        content = b"" if body is None else json.dumps(body).encode()
        given = {"host": "testserver", "content-length": str(len(content))}
        if content:
            given["content-type"] = "application/json"
        if self.token is not None:
            given["authorization"] = f"Bearer {self.token}"
        given |= {name.replace("_", "-").lower(): value for name, value in headers.items()}
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": BASE_PATH + path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 1024),
            "server": ("testserver", 80),
            "scheme": "http",
        }
        received = [{"type": "http.request", "body": content}]
        sent: list[Any] = []

        async def receive() -> Any:
            if received:
                return received.pop()
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        await application()(scope, receive, send)
        start, *parts = sent
        titled = {
            {"etag": "ETag", "www-authenticate": "WWW-Authenticate"}.get(
                name.decode(), name.decode().title()
            ): value.decode("latin-1")
            for name, value in start["headers"]
        }
        answer = Answer(start["status"], titled, b"".join(part["body"] for part in parts))
        check_answer(method, path, answer)
        return answer


def check_answer(method: str, path: str, answer: Answer) -> None:
    """Refuse an answer of the API that contradicts the OpenAPI document."""
    from tests.contract.answers import contradiction

    kind = answer.headers.get("Content-Type", "").partition(";")[0] if answer.content else ""
    found = contradiction(method, path, answer.status, kind, answer.content)
    assert found is None, found


@cache
def application() -> Any:
    """What the web server runs."""
    from contacthub_project.web.application import Application

    return Application()


@cache
def handlers() -> Any:
    """Those of the API and of pages."""
    from contacthub_project.web.handlers import ApiHandler, PagesHandler

    return ApiHandler(), PagesHandler()


def content_of(response: Any) -> Iterator[bytes]:
    """The parts of an answer; those of an async stream are made in this thread too."""
    if not response.streaming:
        yield response.content
        return
    if not isinstance(response, AsyncStream):
        try:
            yield from response.streaming_content
        finally:
            # As Django's test client does: a test's transaction outlives its requests.
            request_finished.disconnect(close_old_connections)
            response.close()
            request_finished.connect(close_old_connections)
        return
    try:
        while True:
            yield run_blocking(anext(response.generator))
    except StopAsyncIteration:
        pass
    finally:
        run_blocking(response.generator.aclose())
