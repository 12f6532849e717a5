"""Sends responses: complete ones at once, streams step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import aclosing
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase

from contacthub_project.api.renderers import AsyncStream
from contacthub_project.web.work import Work

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
END = None


class ClientGone(Exception):
    """The client does not read its response."""


async def send_response(response: HttpResponseBase, send: Send, work: Work) -> None:
    """Send a response; `work` runs the steps of a streaming one.

    Raises TooManyWaiting before anything is sent, ClientGone when the client reads nothing for
    WRITE_TIMEOUT seconds: the response then lacks its end, and cannot be taken for complete.
    """
    if not response.streaming:
        content = response.content  # type: ignore[attr-defined]
        await send(_start(response))
        await send({"type": "http.response.body", "body": content})
    elif isinstance(response, AsyncStream):
        await _send_async_stream(response, send)
    else:
        await _send_stream(response, send, work)


async def _send_stream(response: HttpResponseBase, send: Send, work: Work) -> None:
    """Send the parts of an ordinary iterator, each made in a thread once the last is sent."""
    iterator: Iterator[bytes] = iter(response.streaming_content)  # type: ignore[attr-defined]
    async with work.steps(response.close) as steps:
        await send(_start(response))
        while (chunk := await steps.run(lambda: next(iterator, END))) is not END:
            await _send_part(send, chunk)
        await send({"type": "http.response.body", "body": b""})


async def _send_async_stream(response: AsyncStream, send: Send) -> None:
    """Send the parts of an async generator, made in the event loop."""
    async with aclosing(response.generator) as chunks:
        await send(_start(response))
        async for chunk in chunks:
            await _send_part(send, chunk)
        await send({"type": "http.response.body", "body": b""})


async def _send_part(send: Send, chunk: bytes) -> None:
    if chunk:
        try:
            async with asyncio.timeout(settings.WRITE_TIMEOUT):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError:
            raise ClientGone from None


def _start(response: HttpResponseBase) -> dict[str, Any]:
    headers = [
        (_encoded_name(name), value.encode("latin-1"))
        for name, (_, value) in response.headers._store.items()  # type: ignore[attr-defined]
    ]
    for cookie in response.cookies.values():
        headers.append((b"set-cookie", cookie.OutputString().encode("latin-1")))
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}


@lru_cache(512)
def _encoded_name(name: str) -> bytes:
    return name.encode("ascii")
