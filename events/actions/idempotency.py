"""Answering a request that comes twice as it was answered the first time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone

from contacthub_project.core.errors import Conflict
from contacthub_project.core.principal import Principal
from contacthub_project.db.encryption import IDEMPOTENCY, keyed_hashes
from contacthub_project.db.sql import fetch_one, load
from events.models import IdempotencyKey

KEPT = timedelta(hours=24)

TAKE = load("events/sql/take_idempotency_key")


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
    named = f"key\n{workspace_id}\n{by.author}\n{key}".encode()
    key_hashes = keyed_hashes(named, purpose=IDEMPOTENCY)
    body_hashes = keyed_hashes(b"body\n" + body, purpose=IDEMPOTENCY)
    records = IdempotencyKey.objects.filter(workspace_id=workspace_id, author=by.author)
    parameters = {
        "workspace_id": workspace_id,
        "author": by.author,
        "key_hash": key_hashes[0],
        "older_hashes": key_hashes[1:],
        "body_hash": body_hashes[0],
    }
    with transaction.atomic():
        if fetch_one(TAKE, parameters) is None:
            first = records.get(key_hash__in=key_hashes)
            if bytes(first.body_hash) not in body_hashes:
                raise Conflict("The Idempotency-Key came with another body before")
            assert first.answer is not None, "it was written in the transaction of the key"
            answered: dict[str, Any] = first.answer
            return answered
        given = answer()
        kept = orjson.loads(orjson.dumps(given))
        records.filter(key_hash=key_hashes[0]).update(answer=kept, events=_events_of(kept))
    return given


def _events_of(answer: dict[str, Any]) -> list[str]:
    """The ids of the events that an answer names: of one event, or of a batch."""
    return [each["id"] for each in answer.get("elements", [answer]) if "id" in each]


def clear_old_keys() -> int:
    """Forget keys that are older than a day; how many."""
    return IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]
