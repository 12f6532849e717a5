"""Reads request bodies, bounded in size, time and rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from contextlib import suppress
from typing import Any, TypeVar

from django.conf import settings

from contacthub_project.core.errors import Invalid, RequestTimeout, TooLarge

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

Result = TypeVar("Result")

ANONYMOUS_BYTES = 64 * 1024  # the most that is read of unauthenticated clients
DRAINED_BYTES = 32 * 1024 * 1024  # read of a body that is too large, before it is refused
DRAINED_SECONDS = 10.0


class ClientDisconnected(Exception):
    """The client disconnected before it had sent its request or read its response."""


class Body:
    """A request body while it is received.

    `length` is what the client has announced, None when it has not. Its bytes must arrive at
    BODY_BYTES_PER_SECOND, after a grace period of BODY_SECONDS.
    """

    def __init__(self, receive: Receive, length: int | None) -> None:
        self._receive = receive
        self.length = length
        self.count = 0
        self.is_complete = False
        self._begun = time.monotonic()

    async def chunk(self) -> bytes:
        """Return the next bytes; none at the end.

        Raises RequestTimeout when they arrive too slowly, ClientDisconnected when the client has
        gone.
        """
        while not self.is_complete:
            allowed = settings.BODY_SECONDS + self.count / settings.BODY_BYTES_PER_SECOND
            try:
                async with asyncio.timeout(self._begun + allowed - time.monotonic()):
                    message = await self._receive()
            except TimeoutError:
                raise RequestTimeout from None
            if message["type"] != "http.request":
                raise ClientDisconnected
            data: bytes = message.get("body", b"")
            self.count += len(data)
            # Servers may report the end late: another receive would cost a turn of the loop.
            self.is_complete = not message.get("more_body", False) or self.count == self.length
            if data:
                return data
        return b""

    async def read(self, limit: int, admit: Callable[[], Awaitable[Any]] | None = None) -> bytes:
        """Return the whole body; raises TooLarge when it has more than `limit` bytes.

        `admit` is awaited before more than ANONYMOUS_BYTES are read, and raises for clients that
        may not send so much.
        """
        if admit is not None and (self.length or 0) > ANONYMOUS_BYTES:
            await admit()
            admit = None
        if self.length is not None and self.length > limit:
            raise _too_large(limit)
        first = await self.chunk()
        if self.is_complete and len(first) <= limit:
            return first
        parts = [first]
        while self.count <= limit:
            if admit is not None and self.count > ANONYMOUS_BYTES:
                await admit()
                admit = None
            data = await self.chunk()
            if not data:
                return b"".join(parts)
            parts.append(data)
        raise _too_large(limit)

    async def drain(self) -> None:
        """Read and discard for a while: most clients read the response only after sending all."""
        deadline = time.monotonic() + DRAINED_SECONDS
        most = self.count + DRAINED_BYTES
        try:
            async with asyncio.timeout(DRAINED_SECONDS):
                while self.count < most and time.monotonic() < deadline and await self.chunk():
                    pass
        except (TimeoutError, RequestTimeout):
            pass

    @property
    def is_taken(self) -> bool:
        """Whether the whole body has been received."""
        return self.length == 0 or self.is_complete

    async def until_disconnected(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Return the coroutine's result.

        Raises ClientDisconnected when the client disconnects before.

        For requests whose body has been received.
        """
        working = asyncio.ensure_future(coroutine)
        disconnected = asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait({working, disconnected}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
            raise ClientDisconnected
        finally:
            disconnected.cancel()

    async def _gone(self) -> None:
        while (await self._receive())["type"] == "http.request":
            pass


def announced_length(meta: MutableMapping[str, Any]) -> int | None:
    """Return the size of the body by its headers: 0 for none, None if unknown; raises Invalid."""
    if "HTTP_TRANSFER_ENCODING" in meta:
        return None
    given = meta.get("CONTENT_LENGTH", "")
    if not given:
        return 0
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise Invalid("Content-Length is no number")
    return int(given)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The payload must not exceed {limit} bytes")
