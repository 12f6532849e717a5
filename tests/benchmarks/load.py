"""A load generator: keep-alive connections in one process, requests made beforehand."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable

CONNECTIONS = 16


def requests_per_second(
    port: int,
    next_request: Callable[[], bytes],
    *,
    seconds: float,
    expected: tuple[bytes, ...],
    connections: int = CONNECTIONS,
) -> float:
    """How many requests a server on this machine answers in a second.

    `next_request` gives the bytes of each request; an answer that does not begin with one of the
    `expected` status lines fails the measurement.
    """
    selector = selectors.DefaultSelector()
    opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    pending = dict.fromkeys(opened, b"")
    for connection in opened:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)
        connection.sendall(next_request())
    responses = 0
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        for key, _ in selector.select(timeout=1):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            pending[connection] += connection.recv(65536)
            if _is_whole(pending[connection]):
                if not pending[connection].startswith(expected):
                    raise RuntimeError(f"unexpected answer: {pending[connection][:300]!r}")
                pending[connection] = b""
                responses += 1
                connection.sendall(next_request())
    elapsed = time.perf_counter() - started
    selector.close()
    for connection in opened:
        connection.close()
    return responses / elapsed


def http_request(method: str, path: str, *, token: str = "", body: bytes = b"") -> bytes:
    """The bytes of one HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _is_whole(answer: bytes) -> bool:
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return False
    _, _, rest = head.lower().partition(b"content-length: ")
    return len(body) >= int(rest.split(b"\r\n", 1)[0])
