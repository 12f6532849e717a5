"""Idempotency keys: a repeated request gets the response to the first one.

The key and all that the request does are one transaction: after a crash either both are there or
neither is, and of requests with one key that come at once all but the first wait for its answer.
See docs/decisions/0029-idempotency.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone

from configuration.models import IdempotencyKey, Workspace
from configuration.queries.rules import forget_rules
from contacthub_project.core.errors import Conflict
from contacthub_project.core.principal import Principal
from contacthub_project.db.encryption import (
    ANSWERS,
    IDEMPOTENCY,
    decrypt,
    encrypt,
    keyed_hashes,
)
from contacthub_project.db.sql import fetch_one, load

KEPT = timedelta(hours=24)

TAKE = load("configuration/sql/take_idempotency_key")


class KeyReused(Conflict):
    """The key was used with another request before."""


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """A stored response.

    `entities` are the ids that the request's path and the answer name: what is kept goes with them.
    """

    status: int
    headers: Mapping[str, str]
    content: str
    entities: frozenset[UUID]


def idempotent_response(
    workspace_id: UUID,
    key: str,
    request: bytes,
    answer: Callable[[], RecordedAnswer | None],
    *,
    by: Principal,
) -> RecordedAnswer | None:
    """Return the response to the same request before; None if it is answered now.

    `answer` answers now, and returns what is to be kept with the key, None to keep nothing. Raises
    KeyReused when the key came with another request; what `answer` raises passes, undoes what the
    request has done, and leaves the key unused.
    """
    named = f"key\n{workspace_id}\n{by.author}\n{key}".encode()
    key_hashes = keyed_hashes(named, purpose=IDEMPOTENCY)
    request_hashes = keyed_hashes(b"request\n" + request, purpose=IDEMPOTENCY)
    records = IdempotencyKey.objects.filter(workspace_id=workspace_id, author=by.author)
    parameters = {
        "workspace_id": workspace_id,
        "author": by.author,
        "key_hash": key_hashes[0],
        "older_hashes": key_hashes[1:],
        "request_hash": request_hashes[0],
    }
    try:
        with transaction.atomic():
            if fetch_one(TAKE, parameters) is None:
                return _first_answer(records.get(key_hash__in=key_hashes), request_hashes)
            given = answer()
            taken = records.filter(key_hash=key_hashes[0])
            if given is None:
                taken.delete()
            else:
                taken.update(answer=_sealed(given), entities=sorted(given.entities))
    except Exception:
        # Rules that were read while the transaction had changed them are not those there are.
        forget_rules(workspace_id)
        raise
    return None


def forget_answers(workspace_id: UUID, entities: Sequence[UUID]) -> int:
    """Delete responses to requests about entities; return the number."""
    return IdempotencyKey.objects.naming(workspace_id, entities).delete()[0]


def clear_old_keys() -> int:
    """Delete keys that are older than a day; return the number."""
    before = timezone.now() - KEPT
    return sum(
        IdempotencyKey.objects.filter(workspace_id=workspace_id, created_at__lt=before).delete()[0]
        for workspace_id in Workspace.objects.values_list("id", flat=True)
    )


def _first_answer(record: IdempotencyKey, request_hashes: Sequence[bytes]) -> RecordedAnswer:
    if bytes(record.request_hash) not in request_hashes:
        raise KeyReused("The Idempotency-Key came with another request before")
    assert record.answer is not None, "it was written in the transaction of the key"
    kept = orjson.loads(decrypt(bytes(record.answer), purpose=ANSWERS))
    return RecordedAnswer(**kept, entities=frozenset(record.entities))


def _sealed(answer: RecordedAnswer) -> bytes:
    kept = asdict(answer)
    del kept["entities"]
    return encrypt(orjson.dumps(kept).decode(), purpose=ANSWERS)
