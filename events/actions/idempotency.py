"""Answering a request that comes twice as it was answered the first time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone

from contacthub_project.core.errors import Conflict
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import fetch_one
from events.models import IdempotencyKey

KEPT = timedelta(hours=24)

# A second request with the key waits here until the first one's transaction has ended.
TAKE = """
INSERT INTO events_idempotencykey (workspace_id, author, key, body_hash, created_at)
VALUES (%(workspace_id)s, %(author)s, %(key)s, %(body_hash)s, clock_timestamp())
ON CONFLICT (workspace_id, author, key) DO NOTHING
RETURNING id
"""


def answered_once(
    workspace_id: UUID,
    key: str,
    body: bytes,
    answer: Callable[[], dict[str, Any]],
    *,
    by: Principal,
) -> dict[str, Any]:
    """What `answer` gives, kept with the key and given again for the same body within a day.

    The key and what the request does are one transaction. Raises Conflict for another body; what
    `answer` raises passes, and leaves the key unused.
    """
    body_hash = hashlib.sha256(body).digest()
    parameters = {
        "workspace_id": workspace_id,
        "author": by.author,
        "key": key,
        "body_hash": body_hash,
    }
    with transaction.atomic():
        if fetch_one(TAKE, parameters) is None:
            first = IdempotencyKey.objects.get(workspace_id=workspace_id, author=by.author, key=key)
            if bytes(first.body_hash) != body_hash:
                raise Conflict("The Idempotency-Key came with another body before")
            assert first.answer is not None, "it was written in the transaction of the key"
            answered: dict[str, Any] = first.answer
            return answered
        given = answer()
        IdempotencyKey.objects.filter(workspace_id=workspace_id, author=by.author, key=key).update(
            answer=orjson.loads(orjson.dumps(given))
        )
    return given


def clear_old_keys() -> int:
    """Forget keys that are older than a day; how many."""
    return IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]
