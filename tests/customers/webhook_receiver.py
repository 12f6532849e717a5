"""An HTTP server that keeps what webhooks send it, and answers as a test says."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answering = Callable[[BaseHTTPRequestHandler, int], None]


def answers(status: int, **headers: str) -> Answering:
    """Answer with a status."""

    def answer(handler: BaseHTTPRequestHandler, number: int) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"ok")

    return answer


def resets(handler: BaseHTTPRequestHandler, number: int) -> None:
    """End the connection without an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    handler.connection.close()


def floods(handler: BaseHTTPRequestHandler, number: int) -> None:
    """Answer with a gigabyte."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(2**30))
    handler.end_headers()
    try:
        for _ in range(1024):
            handler.wfile.write(bytes(2**20))
    except OSError:
        pass


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def updates(self) -> list[Any]:
        found: list[Any] = json.loads(self.body)["data"]["updates"]
        return found


@dataclass
class Receiver:
    """`answering` answers the request of a number, counted from 0; `messages` holds all."""

    answering: Answering = field(default_factory=lambda: answers(200))
    messages: list[Received] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/hook"

    @property
    def updates(self) -> list[Any]:
        return [update for message in self.messages for update in message.updates]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                number = len(receiver.messages)
                receiver.messages.append(Received(headers, body))
            receiver.answering(self, number)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
