"""Waking requests that wait for something to happen, in whatever process it happens.

Whoever has committed something rings the bell of its topic; a thread passes that on through Redis,
at most every 50 ms, so a writer pays next to nothing. Each process listens on one connection and
wakes its own. A bell tells nothing but that it is worth looking; when Redis is away nobody is
woken, and who waits looks when its time is over.
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

log = structlog.get_logger("contacthub.bells")

CHANNEL = "contacthub:bell:"
SECONDS_BETWEEN = 0.05
SECONDS_TO_LISTEN = 1.0
PAUSE_AFTER_FAILURE = 1.0


class Publisher:
    """Passes on, from a thread of its own, that bells were rung."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rung: set[str] = set()
        self._something = threading.Event()
        self._thread: threading.Thread | None = None

    def ring(self, topic: str) -> None:
        """Wake those who wait for the topic, soon."""
        with self._lock:
            self._rung.add(topic)
            if self._thread is None:
                self._thread = threading.Thread(target=self._pass_on, daemon=True, name="bells")
                self._thread.start()
        self._something.set()

    def _pass_on(self) -> None:
        while True:
            self._something.wait()
            self._something.clear()
            with self._lock:
                topics, self._rung = self._rung, set()
            try:
                for topic in topics:
                    redis_client(timeout=None).publish(CHANNEL + topic, "")
            except redis.RedisError:
                log.warning("no Redis, nobody is woken")
                time.sleep(PAUSE_AFTER_FAILURE)
            time.sleep(SECONDS_BETWEEN)


class Subscriber:
    """Wakes the threads of this process that wait, as many as there may be."""

    def __init__(self, most: int) -> None:
        self._places = threading.Semaphore(most)
        self._lock = threading.Lock()
        self._waiting: dict[str, set[threading.Event]] = {}
        self._is_listening = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def waiting_for(self, topic: str) -> Iterator[threading.Event | None]:
        """An event that is set when the topic's bell rings; None when too many wait already."""
        if not self._places.acquire(blocking=False):
            yield None
            return
        event = threading.Event()
        try:
            with self._lock:
                self._waiting.setdefault(topic, set()).add(event)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._listen, daemon=True, name="ears")
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
                log.warning("no Redis, bells are not heard")
                time.sleep(PAUSE_AFTER_FAILURE)

    def _wake(self, topic: str) -> None:
        with self._lock:
            for event in self._waiting.get(topic, ()):
                event.set()


publisher = Publisher()
subscriber = Subscriber(settings.WEB_WAITERS)


def feed_topic(workspace_id: UUID) -> str:
    """The bell that rings when something may have changed in a workspace."""
    return f"feed:{workspace_id}"


def notify_on_commit(workspace_id: UUID) -> None:
    """Wake those who wait for changes of a workspace when the transaction has committed.

    For tasks; a request rings when it has been answered.
    """
    transaction.on_commit(lambda: publisher.ring(feed_topic(workspace_id)))
