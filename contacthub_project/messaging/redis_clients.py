"""The Redis clients of this process."""

from __future__ import annotations

import threading
from functools import cache

import redis
from django.conf import settings

_making = threading.Lock()


def redis_client(*, timeout: float | None) -> redis.Redis:
    """Return the client with a response timeout in seconds; None waits without limit.

    Created once, also when several threads ask at the same time: a second client that nobody keeps
    would close its connections when it is collected, while a thread is using one.
    """
    with _making:
        return _made(timeout)


@cache
def _made(timeout: float | None) -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=timeout,
        socket_connect_timeout=timeout or 1.0,
        max_connections=64,
    )
