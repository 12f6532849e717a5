"""The Redis clients of this process."""

from __future__ import annotations

import threading
from functools import cache

import redis
from django.conf import settings

_making = threading.Lock()


def redis_client(*, timeout: float | None) -> redis.Redis:
    """The client that gives up on an answer after so many seconds; None waits for ever.

    Made once, also when many threads ask first: a second client that nobody keeps would close its
    connections when it is collected, under the hands of the thread that is using one.
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
