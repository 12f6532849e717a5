"""Limits requests per workspace and minute by a counter in Redis, exact under concurrency."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from uuid import UUID

import redis
import structlog

from contacthub_project.core.errors import LimitExceeded
from contacthub_project.messaging.redis_clients import redis_client
from contacthub_project.runtime.blocking import refuse_event_loop

log = structlog.get_logger("contacthub.throttling")

WINDOW = 60
TIMEOUT = 0.2
PAUSE_AFTER_FAILURE = 1.0

_lock = threading.Lock()
_disabled_until = 0.0


@dataclass(frozen=True, slots=True)
class Quota:
    """A workspace's remaining requests of a minute, sent as RateLimit headers."""

    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


def take(workspace_id: UUID, limit: int) -> Quota | None:
    """Count a request against the workspace's limit of this minute.

    Raises LimitExceeded beyond it. When Redis does not answer, the request is not counted (None);
    this is logged, and Redis is not tried again for a second.
    """
    global _disabled_until
    if time.monotonic() < _disabled_until:
        return None
    minute, second = divmod(int(time.time()), WINDOW)
    reset = WINDOW - second
    key = f"contacthub:throttle:{workspace_id}:{minute}"
    refuse_event_loop()
    try:
        pipeline = redis_client(timeout=TIMEOUT).pipeline(transaction=False)
        pipeline.incr(key)
        pipeline.expire(key, 2 * WINDOW)
        used = int(pipeline.execute()[0])
    except redis.RedisError:
        with _lock:
            _disabled_until = time.monotonic() + PAUSE_AFTER_FAILURE
        log.warning("no Redis, requests pass unthrottled")
        return None
    quota = Quota(limit=limit, remaining=max(limit - used, 0), reset=reset)
    if used > limit:
        raise LimitExceeded(
            f"More than {limit} requests in a minute", retry_after=reset, headers=quota.headers()
        )
    return quota
