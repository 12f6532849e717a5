"""The health check, for load balancers, monitors and the back-office."""

from __future__ import annotations

import time
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import connection
from django.db.utils import Error as DatabaseError
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from contacthub_project.api.components import enum_component, object_component
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.viewsets import ContactHubViewSet
from contacthub_project.db.distribution.checking import silent_workers
from contacthub_project.db.distribution.placement import is_distributed
from contacthub_project.db.pools import closed_after
from contacthub_project.runtime import disk

log = structlog.get_logger("contacthub.health")

HEARTBEAT = "contacthub:worker:heartbeat"
HEARTBEAT_SECONDS = 30
ANSWER_SECONDS = 2.0
UP, DOWN, DEGRADED = "UP", "DOWN", "DEGRADED"
STATUS = enum_component("HealthStatus", [UP, DEGRADED, DOWN])
PART = object_component("HealthOfPart", {"status": STATUS})
HEALTH = object_component(
    "Health",
    {
        "status": STATUS,
        "database": PART,
        "redis": PART,
        "worker": PART,
        "disk": PART,
    },
)


class HealthViewSet(ContactHubViewSet):
    """Responds 503 only without the database: without the other parts requests are still served."""

    @extend_schema(responses={200: HEALTH, 503: HEALTH})
    def retrieve(self, request: HttpRequest) -> JsonResponse:
        """Return the state of the product and of its parts."""
        health = health_state()
        return JsonResponse(health, status=503 if health["status"] == DOWN else 200)


def health_state() -> dict[str, Any]:
    """Return the state of the whole and of the database, Redis, the worker and the disk."""
    database = _database()
    store, worker = _store_and_worker()
    room = UP if disk.has_room(settings.DATA) else DEGRADED
    parts = {"database": database, "redis": store, "worker": worker, "disk": room}
    whole = UP if all(state == UP for state in parts.values()) else DEGRADED
    if database == DOWN:
        whole = DOWN
    return {"status": whole, **{name: {"status": state} for name, state in parts.items()}}


def record_heartbeat() -> None:
    """Record that a worker is alive; called by the worker itself every few seconds."""
    try:
        with _client() as client:
            client.set(HEARTBEAT, int(time.time()), ex=HEARTBEAT_SECONDS)
    except redis.RedisError:
        log.warning("no Redis for the worker's heartbeat")


def _database() -> str:
    """A server that takes statements and answers none, as one that is stopped, is DOWN too."""
    try:
        with closed_after(ANSWER_SECONDS), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        # If a database worker is down, some workspaces are served and others are not.
        return DEGRADED if is_distributed() and silent_workers() else UP
    except DatabaseError:
        connection.close()
        return DOWN


def _store_and_worker() -> tuple[str, str]:
    try:
        with _client() as client:
            return UP, UP if client.exists(HEARTBEAT) else DOWN
    except redis.RedisError:
        return DOWN, DOWN


def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
