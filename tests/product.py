"""The whole product, started as a user starts it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from contacthub_project.runtime.embedded import PostgresServer, ValkeyServer

ROOT = Path(__file__).resolve().parent.parent


class Product:
    """`./run` in a folder and at a port of its own, with further settings.

    `command` starts another program than this one, such as an older release.
    """

    def __init__(self, data: Path, *, command: list[str] | None = None, **settings: str) -> None:
        self.data = data
        self.command = command or [sys.executable, str(ROOT / "run"), "--data", str(data)]
        self.settings = settings
        self.port = free_port()
        self.process: subprocess.Popen[str] | None = None
        self.output: list[str] = []

    def start(self) -> None:
        hidden = {
            "CONTACTHUB_DATA", "SHARED_VERSION_FILE", "HTTPS", "ALLOWED_HOSTS", "LOG_LEVEL",
            "DATABASE_URL", "REDIS_URL", "REFUSALS_SECONDS",
        }  # fmt: skip
        self.process = subprocess.Popen(
            [*self.command, "--port", str(self.port)],
            env={name: value for name, value in os.environ.items() if name not in hidden}
            | {"CONTACTHUB_DATA": str(self.data)}
            | self.settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for line in self.process.stdout or ():
            self.output.append(line)
            if line.startswith("Ctrl-C"):
                break
        assert self.process.poll() is None, "".join(self.output)
        self.facts = json.loads((self.data / "demo.json").read_text())
        self.hub = f"{self.facts['baseUrl']}/hub/v1"
        self.workspace = f"{self.hub}/workspaces/{self.facts['workspaceId']}"

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.communicate(timeout=60)

    def kill_everything(self) -> None:
        assert self.process is not None
        children = psutil.Process(self.process.pid).children(recursive=True)
        children += [
            psutil.Process(server.pid())
            for server in (PostgresServer(self.data), ValkeyServer(self.data))
        ]
        self.process.kill()
        for process in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.communicate()

    def call(self, method: str, url: str, body: Any = None, token: str = "trusted") -> Any:
        request = urllib.request.Request(
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.facts['tokens'][token]}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            content = answer.read()
            return answer.status, json.loads(content) if content else None

    def upload(self, content: str) -> Any:
        """A new bulk job of customers."""
        form = (
            '--b\r\nContent-Disposition: form-data; name="operation"\r\n\r\nUPSERT\r\n'
            '--b\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n'
            f"{content}\r\n--b--\r\n"
        )
        request = urllib.request.Request(
            f"{self.workspace}/nodes/{self.facts['nodeIds'][0]}/bulk-jobs",
            data=form.encode(),
            headers={
                "Authorization": f"Bearer {self.facts['tokens']['trusted']}",
                "Content-Type": "multipart/form-data; boundary=b",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def post(self, email: str) -> tuple[int, Any]:
        body = {"nodeId": self.facts["nodeIds"][0], "base": {"contacts": {"email": email}}}
        return self.call("POST", f"{self.workspace}/customers", body)


def free_port() -> int:
    """A port with a free neighbour, which the metrics take; none that clients get by chance."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


@contextlib.contextmanager
def running(data: Path, **settings: str) -> Iterator[Product]:
    """The product, started, and stopped at the end."""
    product = Product(data, **settings)
    try:
        product.start()
        yield product
    finally:
        product.stop()
