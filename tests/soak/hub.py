"""The API as an actor sees it: a careful client, which repeats a request until it is answered.

What an actor was promised is a line of JSON for each acknowledgement, so that killing the actor would
lose nothing either.
"""

from __future__ import annotations

import http.client
import json
import random
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

PATIENCE = 120.0


class NoAnswer(Exception):
    """The product did not come back in time."""


class Hub:
    """The API as an actor sees it; `pace` is how many seconds it rests between two of its acts."""

    def __init__(self, facts: dict[str, Any], log: Path, over: Path, pace: float = 0.0) -> None:
        self.facts = facts
        self.over = over
        self.pace = pace
        self.workspace = f"{facts['baseUrl']}/hub/v1/workspaces/{facts['workspaceId']}"
        self.statuses: dict[str, int] = {}
        self._log = log.open("a", buffering=1)

    @property
    def is_over(self) -> bool:
        return self.over.exists()

    def pause(self) -> None:
        time.sleep(self.pace)

    def record(self, **what: Any) -> None:
        self._log.write(json.dumps(what) + "\n")

    def finish(self) -> None:
        self.record(statuses=self.statuses)
        self._log.close()

    def once(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "trusted",
        raw: bool = False,
        **headers: str,
    ) -> tuple[int, Any]:
        """One try; 0 when there was no answer. `raw` answers text instead of JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            self.workspace + path,
            method=method,
            data=None if body is None else content,
            headers={
                "Authorization": f"Bearer {self.facts['tokens'][token]}",
                "Content-Type": "application/json",
            } | {name.replace("_", "-"): value for name, value in headers.items()},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            status, content = refused.code, refused.read()
        except (OSError, http.client.HTTPException):
            status, content = 0, b""
        self.statuses[f"{method} {status}"] = self.statuses.get(f"{method} {status}", 0) + 1
        if raw:
            return status, content.decode(errors="replace")
        try:
            return status, json.loads(content) if content else None
        except ValueError:
            return (status, content.decode(errors="replace")) if status else (0, None)

    def send_until_answered(
        self, method: str, path: str, body: Any = None, **options: Any
    ) -> tuple[int, Any]:
        """Until there is an answer that is not "try again"; raises Lost."""
        deadline = time.time() + PATIENCE
        while time.time() < deadline:
            status, answer = self.once(method, path, body, **options)
            if status not in {0, 429, 503}:
                return status, answer
            time.sleep(0.1)
        raise NoAnswer(f"{method} {path}")


def idempotency_key(chance: random.Random) -> str:
    """A key with which a request is done once, however many tries it takes."""
    return str(uuid.UUID(int=chance.getrandbits(128)))
