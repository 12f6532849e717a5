"""Receivers of webhooks: one that takes everything, and one that often does not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.soak.hub import Hub, idempotency_key

# Seconds without any progress after which a webhook is taken for stuck: on a busy machine a killed
# worker takes half of it to start, and the leases of its work end first.
SILENCE = 150.0
STABLE_SECONDS = 3.0


class Inbox:
    """What has come, checked: signed, and the changes of each customer or event in order."""

    def __init__(self, secret: str, faults: random.Random | None) -> None:
        self.end = 0
        self.offsets: set[int] = set()
        self.refused = 0
        self.faults: list[str] = []
        self.is_unsteady = faults is not None
        self._chance = faults or random.Random(1)
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._met: set[str] = set()
        self._latest: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()

    def next_fault(self) -> str | None:
        """What goes wrong with this request."""
        with self._lock:
            if not self.is_unsteady or self._chance.random() < 0.4:
                return None
            self.refused += 1
            return self._chance.choice(["silent", "closed", "500", "429", "redirect"])

    def take(self, headers: Any, body: bytes) -> None:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.digest(self._key, signed, hashlib.sha256)).decode()
        data = json.loads(body)["data"]
        with self._lock:
            if expected not in headers["webhook-signature"].split(" "):
                self.faults.append(f"wrong signature of {headers['webhook-id']}")
            if headers["webhook-id"] in self._met:
                return
            self._met.add(headers["webhook-id"])
            for update in data["updates"]:
                entity = update["entity"]["data"]["id"]
                if update["offset"] <= self._latest[entity]:
                    self.faults.append(f"{entity} came back to {update['offset']}")
                self._latest[entity] = update["offset"]
                self.offsets.add(update["offset"])
            self.end = max(self.end, data["nextOffset"])


def steady_receiver(hub: Hub, name: str, seed: int) -> None:
    """A webhook whose receiver takes every message."""
    _receive(hub, name, seed, faults=None)


def unsteady_receiver(hub: Hub, name: str, seed: int) -> None:
    """A webhook whose receiver fails more often than not, until all is over."""
    _receive(hub, name, seed, faults=random.Random(seed))


def _receive(hub: Hub, name: str, seed: int, faults: random.Random | None) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    url = f"http://127.0.0.1:{server.server_port}/"
    key = idempotency_key(random.Random(seed))
    status, webhook = hub.send_until_answered(
        "POST", "/webhooks", {"name": name, "url": url}, token="admin", Idempotency_Key=key
    )
    assert status == 201, (status, webhook)
    _Handler.inbox = inbox = Inbox(webhook["secret"], faults)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while not hub.is_over:
        time.sleep(0.2)
    inbox.is_unsteady = False
    path = f"/webhooks/{webhook['id']}"
    _resume(hub, path)
    last = _caught_up(hub, inbox, path)
    server.shutdown()
    assert not inbox.faults, inbox.faults[:5]
    hub.record(
        webhook=name, after=webhook["deliveredOffset"], until=last, refused=inbox.refused,
        offsets=sorted(inbox.offsets),
    )  # fmt: skip


def _resume(hub: Hub, path: str) -> None:
    """Pause a webhook and activate it, so that its next attempt is at once, as staff do."""
    for state in ("PAUSED", "ACTIVE"):
        status, answer = hub.send_until_answered("PUT", path, {"state": state}, token="admin")
        assert status == 200, (status, answer)


def _caught_up(hub: Hub, inbox: Inbox, path: str) -> int:
    """The last offset of the stream, once everything up to it has come and nothing new does.

    However long that takes, as long as messages come. The last changes may be of segments, which no
    message tells; that they are passed over is in the webhook's own offset.
    """
    last, stable_since = -1, time.monotonic()
    end, moved = inbox.end, time.monotonic()
    while True:
        status, answer = hub.send_until_answered("GET", "/updates/last-offset", token="operator")
        assert status == 200, (status, answer)
        status, webhook = hub.send_until_answered("GET", path, token="admin")
        assert status == 200, (status, webhook)
        delivered = max(inbox.end, webhook["deliveredOffset"])
        if answer["lastOffset"] != last or delivered < last:
            last, stable_since = answer["lastOffset"], time.monotonic()
        if time.monotonic() - stable_since > STABLE_SECONDS:
            return last
        if delivered != end:
            end, moved = delivered, time.monotonic()
        assert time.monotonic() - moved < SILENCE, f"stuck: told up to {end} of {last}: {webhook}"
        time.sleep(0.2)


class _Handler(BaseHTTPRequestHandler):
    inbox: Inbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        match self.inbox.next_fault():
            case "silent":
                time.sleep(5)
                return
            case "closed":
                return
            case "500":
                self._answer(500)
            case "429":
                self._answer(429, ("Retry-After", "1"))
            case "redirect":
                self._answer(302, ("Location", "/"))
            case None:
                self.inbox.take(self.headers, body)
                self._answer(204)

    def _answer(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass
