"""Publish/subscribe between processes through Redis, to wake requests that wait for changes.

A notification carries only its topic. `Publisher` sends from a thread of its own, at most every
50 ms, so that a writer does not wait for Redis. `Subscriber` keeps one Redis connection per process
and sets the events of the requests that wait in it. Without Redis no notification arrives; waiting
requests read again when their time limit ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.db import transaction

from contacthub_project.messaging.redis_clients import redis_client

log = structlog.get_logger("contacthub.pubsub")

CHANNEL = "contacthub:notify:"
SECONDS_BETWEEN = 0.05
SECONDS_TO_LISTEN = 1.0
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
    """Wakes the waiting threads of this process; `most` limits how many may wait at once."""

    def __init__(self, most: int) -> None:
        self._places = threading.Semaphore(most)
        self._lock = threading.Lock()
        self._waiting: dict[str, set[threading.Event]] = {}
        self._is_listening = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def waiting_for(self, topic: str) -> Iterator[threading.Event | None]:
        """An event that is set by a notification of the topic; None when the limit is reached."""
        if not self._places.acquire(blocking=False):
            yield None
            return
        event = threading.Event()
        try:
            with self._lock:
                self._waiting.setdefault(topic, set()).add(event)
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._listen, daemon=True, name="subscriber"
                    )
                    self._thread.start()
            self._is_listening.wait(SECONDS_TO_LISTEN)
            yield event
        finally:
            with self._lock:
                self._waiting[topic].discard(event)
                if not self._waiting[topic]:
                    del self._waiting[topic]
            self._places.release()

    def _listen(self) -> None:
        while True:
            try:
                subscription = redis_client(timeout=None).pubsub()
                subscription.psubscribe(CHANNEL + "*")
                for message in subscription.listen():
                    if message["type"] == "psubscribe":
                        self._is_listening.set()
                    else:
                        self._wake(message["channel"].decode().removeprefix(CHANNEL))
            except redis.RedisError:
                self._is_listening.clear()
                log.warning("no Redis, notifications do not arrive")
                time.sleep(PAUSE_AFTER_FAILURE)

    def _wake(self, topic: str) -> None:
        with self._lock:
            for event in self._waiting.get(topic, ()):
                event.set()


publisher = Publisher()
subscriber = Subscriber(settings.WEB_WAITERS)


def feed_topic(workspace_id: UUID) -> str:
    """The topic of changes in a workspace."""
    return f"feed:{workspace_id}"


def notify_on_commit(workspace_id: UUID) -> None:
    """Notify of changes in a workspace after the transaction commits.

    For tasks. A request notifies once it has been answered (`configuration.api.scoping`).
    """
    transaction.on_commit(lambda: publisher.notify(feed_topic(workspace_id)))
