"""Publish/subscribe between processes through Redis, to wake requests that wait for changes.

A notification carries only its topic. `Publisher` sends from a thread of its own, at most every
50 ms, so that a writer does not wait for Redis. `Subscriber` keeps one Redis connection per process
and sets the events of the requests that wait in it. Without Redis no notification arrives; waiting
requests read again when their time limit ends.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import redis
import structlog
from django.db import transaction

from contacthub_project.messaging.redis_clients import redis_client

log = structlog.get_logger("contacthub.pubsub")

CHANNEL = "contacthub:notify:"
SECONDS_BETWEEN = 0.05
SECONDS_TO_LISTEN = 1.0  # for the first who waits, in so many steps:
STEPS_TO_LISTEN = 50
PAUSE_AFTER_FAILURE = 1.0


class Publisher:
    """Sends notifications from a thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: set[str] = set()
        self._has_pending = threading.Event()
        self._thread: threading.Thread | None = None

    def notify(self, topic: str) -> None:
        """Send a notification of the topic soon; several of one topic are sent as one."""
        with self._lock:
            self._pending.add(topic)
            if self._thread is None:
                self._thread = threading.Thread(target=self._send, daemon=True, name="publisher")
                self._thread.start()
        self._has_pending.set()

    def _send(self) -> None:
        while True:
            self._has_pending.wait()
            self._has_pending.clear()
            with self._lock:
                topics, self._pending = self._pending, set()
            try:
                for topic in topics:
                    redis_client(timeout=None).publish(CHANNEL + topic, "")
            except redis.RedisError:
                log.warning("no Redis, notifications are lost")
                time.sleep(PAUSE_AFTER_FAILURE)
            time.sleep(SECONDS_BETWEEN)


class Subscriber:
    """Wakes the coroutines of this process that wait for a topic."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, dict[asyncio.Event, asyncio.AbstractEventLoop]] = {}
        self._is_listening = False
        self._thread: threading.Thread | None = None
        self.is_stopping = False

    def stop(self) -> None:
        """Wake everybody for good: the process ends."""
        self.is_stopping = True
        for topic in list(self._waiting):
            self._wake(topic)

    @asynccontextmanager
    async def waiting_for(self, topic: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set by a notification of the topic."""
        event = asyncio.Event()
        with self._lock:
            self._waiting.setdefault(topic, {})[event] = asyncio.get_running_loop()
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, daemon=True, name="subscriber")
                self._thread.start()
        try:
            for _ in range(STEPS_TO_LISTEN):
                if self._is_listening:
                    break
                await asyncio.sleep(SECONDS_TO_LISTEN / STEPS_TO_LISTEN)
            yield event
        finally:
            with self._lock:
                del self._waiting[topic][event]
                if not self._waiting[topic]:
                    del self._waiting[topic]

    def _listen(self) -> None:
        while True:
            try:
                subscription = redis_client(timeout=None).pubsub()
                subscription.psubscribe(CHANNEL + "*")
                for message in subscription.listen():
                    if message["type"] == "psubscribe":
                        self._is_listening = True
                    else:
                        self._wake(message["channel"].decode().removeprefix(CHANNEL))
            except redis.RedisError:
                self._is_listening = False
                log.warning("no Redis, notifications do not arrive")
                time.sleep(PAUSE_AFTER_FAILURE)

    def _wake(self, topic: str) -> None:
        with self._lock:
            for loop in set(self._waiting.get(topic, {}).values()):
                with suppress(RuntimeError):  # a loop that has ended
                    loop.call_soon_threadsafe(self._set, topic, loop)

    def _set(self, topic: str, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            for event, of in self._waiting.get(topic, {}).items():
                if of is loop:
                    event.set()


publisher = Publisher()
subscriber = Subscriber()


def feed_topic(workspace_id: UUID) -> str:
    """The topic of changes in a workspace."""
    return f"feed:{workspace_id}"


def notify_on_commit(workspace_id: UUID) -> None:
    """Notify of changes in a workspace after the transaction commits.

    For tasks. A request notifies once it has been answered (`configuration.api.scoping`).
    """
    transaction.on_commit(lambda: publisher.notify(feed_topic(workspace_id)))
