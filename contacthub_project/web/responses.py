"""Sending answers: whole ones at once, streams step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import aclosing
from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase

from contacthub_project.api.renderers import AsyncStream
from contacthub_project.web.work import Work

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
END = None


class ClientGone(Exception):
    """The client does not read what it has asked for."""


async def send_response(response: HttpResponseBase, send: Send, work: Work) -> None:
    """Send an answer; `work` does the steps of one that is made while it is sent.

    Raises TooManyWaiting before anything is sent, ClientGone when the client takes nothing for
    WRITE_TIMEOUT seconds: the answer then lacks its end, and cannot be taken for whole.
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
    """The parts of an ordinary iterator, each made in a thread when the client wants it."""
    iterator: Iterator[bytes] = iter(response.streaming_content)  # type: ignore[attr-defined]
    async with work.steps(response.close) as steps:
        await send(_start(response))
        while (chunk := await steps.run(lambda: next(iterator, END))) is not END:
            await _send_part(send, chunk)
        await send({"type": "http.response.body", "body": b""})


async def _send_async_stream(response: AsyncStream, send: Send) -> None:
    """The parts of an async generator, made in the event loop."""
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
        (name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()
    ]
    for cookie in response.cookies.values():
        headers.append((b"set-cookie", cookie.OutputString().encode("latin-1")))
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}
