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

from contacthub_project.messaging.enqueue import enqueue
from contacthub_project.messaging.redis_clients import redis_client
from contacthub_project.runtime.blocking import in_event_loop, pause

log = structlog.get_logger("contacthub.pubsub")

CHANNEL = "contacthub:notify:"
SECONDS_BETWEEN = 0.05
SECONDS_TO_LISTEN = 1.0  # for the first waiting request, in so many steps:
STEPS_TO_LISTEN = 50
PAUSE_AFTER_FAILURE = 1.0


class Publisher:
    """Sends notifications from a thread of its own, and enqueues the tasks that follow them."""

    def __init__(self) -> None:
        self._tasks: list[str] = []
        self._lock = threading.Lock()
        self._pending: set[str] = set()
        self._has_pending = threading.Event()
        self._thread: threading.Thread | None = None

    def notify(self, topic: str) -> None:
        """Send a notification of the topic soon; several of one topic are merged."""
        with self._lock:
            if topic in self._pending:
                return  # the thread has been woken for it
            self._pending.add(topic)
            if self._thread is None:
                self._thread = threading.Thread(target=self._send, daemon=True, name="publisher")
                self._thread.start()
        self._has_pending.set()

    def enqueue_after(self, task: str) -> None:
        """Enqueue the task of this name after each notification.

        Called once per process while Django starts.
        """
        self._tasks.append(task)

    def _send(self) -> None:
        while True:
            self._has_pending.wait()
            self._has_pending.clear()
            with self._lock:
                topics, self._pending = self._pending, set()
            try:
                for topic in topics:
                    redis_client(timeout=None).publish(CHANNEL + topic, "")
                for task in self._tasks:
                    enqueue(task)
            except redis.RedisError:
                log.warning("no Redis, notifications are lost")
                time.sleep(PAUSE_AFTER_FAILURE)
            time.sleep(SECONDS_BETWEEN)


class Notified:
    """An event that a coroutine waits for, or a thread that runs one without an event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop() if in_event_loop() else None
        self._event = threading.Event() if self.loop is None else asyncio.Event()

    def set(self) -> None:
        self._event.set()

    def clear(self) -> None:
        self._event.clear()

    async def wait(self, seconds: float) -> bool:
        """Return whether it was set within so many seconds."""
        if isinstance(self._event, threading.Event):
            return self._event.wait(seconds)
        try:
            async with asyncio.timeout(seconds):
                return await self._event.wait()
        except TimeoutError:
            return False


class Subscriber:
    """Wakes the coroutines of this process that wait for a topic."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, dict[Notified, asyncio.AbstractEventLoop | None]] = {}
        self._is_listening = False
        self._thread: threading.Thread | None = None
        self.is_stopping = False

    def stop(self) -> None:
        """Wake all waiting coroutines permanently: the process ends."""
        self.is_stopping = True
        for topic in list(self._waiting):
            self._wake(topic)

    @asynccontextmanager
    async def waiting_for(self, topic: str) -> AsyncIterator[Notified]:
        """Return an event that a notification of the topic sets."""
        event = Notified()
        with self._lock:
            self._waiting.setdefault(topic, {})[event] = event.loop
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, daemon=True, name="subscriber")
                self._thread.start()
        try:
            for _ in range(STEPS_TO_LISTEN):
                if self._is_listening:
                    break
                await pause(SECONDS_TO_LISTEN / STEPS_TO_LISTEN)
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
            loops = set(self._waiting.get(topic, {}).values())
        for loop in loops:
            if loop is None:
                self._set(topic, None)
            else:
                with suppress(RuntimeError):  # a loop that has ended
                    loop.call_soon_threadsafe(self._set, topic, loop)

    def _set(self, topic: str, loop: asyncio.AbstractEventLoop | None) -> None:
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

    For tasks. A request notifies after its response is sent (`configuration.api.scoping`).
    """
    transaction.on_commit(lambda: publisher.notify(feed_topic(workspace_id)))
