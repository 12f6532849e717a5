"""The quarantined examples of a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

import orjson
from django.db.models import QuerySet

from contacthub_project.db.sql import fetch_all, fetch_value, load
from customers.domain.identifying_values import DISTINCTIVE, every_text_of, texts_of
from customers.domain.paths import value_at
from customers.models import QuarantinedRequest
from customers.observers import ForgottenPerson

COUNT = load("customers/sql/count_quarantined")
IDS = load("customers/sql/quarantined_ids")


def count_quarantined(workspace_id: UUID, person: ForgottenPerson) -> int:
    """Return the number of examples that quote a person."""
    return int(fetch_value(COUNT, patterns_of(workspace_id, [person]), prepare=False))


class QuarantinedResponse(TypedDict):
    """An example of refused data in the form of responses: its object as `body`, else as `text`."""

    id: UUID
    entity: str
    type: str | None
    reason: str
    origin: str
    nodeId: UUID | None
    sourceId: UUID | None
    refusedAt: datetime
    message: str
    errors: Any
    body: dict[str, Any] | None
    text: str | None
    replayedAt: datetime | None
    entityId: UUID | None


def quarantined_of(
    workspace_id: UUID, people: Sequence[ForgottenPerson]
) -> QuerySet[QuarantinedRequest]:
    """Return the examples that quote people, as their erasure finds them."""
    found = fetch_all(IDS, patterns_of(workspace_id, people), prepare=False)
    examples = QuarantinedRequest.objects.in_workspace(workspace_id)
    return examples.filter(id__in=[example_id for (example_id,) in found])


def quarantined_response(request: QuarantinedRequest) -> QuarantinedResponse:
    """Return an example in the form of responses."""
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        body = None
    is_object = isinstance(body, dict)
    return {
        "id": request.id,
        "entity": request.entity,
        "type": request.type or None,
        "reason": request.reason,
        "origin": request.origin,
        "nodeId": request.node_id,
        "sourceId": request.source_id,
        "refusedAt": request.refused_at,
        "message": request.message,
        "errors": request.errors,
        "body": body if is_object else None,
        "text": None if is_object else request.body,
        "replayedAt": request.replayed_at,
        "entityId": request.entity_id,
    }


def patterns_of(workspace_id: UUID, people: Sequence[ForgottenPerson]) -> dict[str, Any]:
    """Return patterns of people's identifiers in a body's JSON, for `quarantined_of_people.sql`."""
    patterns: set[str] = set()
    firsts, lasts = [], []
    for person in people:
        document = person.document
        texts = {str(person.customer_id), *person.sessions, *texts_of(person.policy, document)}
        texts.update(every_text_of(value_at(document, "base.contacts")))
        for text in texts:
            patterns.add(f'%"{_escaped(text)}"%')
            if len(text) >= DISTINCTIVE:
                patterns.add(f"%{_escaped(text)}%")
        first, last = (value_at(document, f"base.{name}") for name in ("firstName", "lastName"))
        if first and last:
            firsts.append(f'%"{_escaped(first)}"%')
            lasts.append(f'%"{_escaped(last)}"%')
    return {
        "workspace_id": workspace_id,
        "patterns": sorted(patterns),
        "firsts": firsts,
        "lasts": lasts,
    }


def _escaped(text: str) -> str:
    """Return the text as in JSON, for LIKE."""
    quoted = orjson.dumps(text).decode()[1:-1]
    return quoted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
