"""Writes refused data: counts by hour, and the last examples with their bodies.

See docs/decisions/0030-quarantine.md.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from configuration.domain.vocabulary import EVENT_TYPES
from configuration.queries.rules import WorkspaceRules, rules_of
from contacthub_project.core.errors import ContacthubError, FieldError
from contacthub_project.core.identifiers import as_uuid, new_id
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import fetch_all, load
from customers.actions.quarantine import share_quarantine
from customers.domain.passwords import password_in, with_password
from customers.domain.refusals import RefusalOrigin, RefusalReason, RefusedEntity, reason_of
from customers.models import ErasureReceipt, QuarantinedRequest
from customers.models.refusal import LONGEST_MESSAGE, MOST_QUARANTINED

MOST_EXAMPLES = 200  # for a workspace in one write
LARGEST_BODY = 256 * 1024
MOST_ERRORS = 50

COUNT = load("customers/sql/count_refusals")
TRIM = load("customers/sql/trim_quarantine")
NODES = "SELECT id, node_id FROM customers_customer WHERE workspace_id = %s AND id = ANY(%s)"

# An hour, a source, an entity, a type of events and a reason.
CountKey = tuple[datetime, UUID | None, str, str, str]


@dataclass(frozen=True, slots=True)
class RefusedData:
    """Data that was refused.

    `body` is the sent body, as bytes or as parsed value; None keeps no example. Without `type` it
    is read from the body.
    """

    entity: RefusedEntity
    origin: RefusalOrigin
    reason: RefusalReason
    source_id: UUID | None
    user_id: int | None
    message: str
    errors: Sequence[FieldError]
    body: Any
    node_id: UUID | None = None
    type: str | None = None
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def of(
        cls,
        refusal: ContacthubError,
        *,
        entity: RefusedEntity,
        origin: RefusalOrigin,
        body: Any,
        by: Principal,
    ) -> RefusedData | None:
        """Return the refused data; None when the refusal concerns the server, not the data."""
        reason = reason_of(refusal)
        if reason is None:
            return None
        message, errors = refusal.message, refusal.errors
        return cls(entity, origin, reason, by.source_id, by.user_id, message, errors, body)


def write_refusals(
    workspace_id: UUID, counts: Counter[CountKey], refused: Sequence[RefusedData]
) -> bool:
    """Write counts, and the last examples if the workspace keeps them.

    Return whether there were any.
    """
    workspace = rules_of(workspace_id)
    if workspace is None:
        return False
    hours, sources, entities, types, reasons = zip(*counts, strict=True)
    parameters: dict[str, Any] = {
        "workspace_id": workspace_id,
        "hours": list(hours),
        "sources": list(sources),
        "entities": list(entities),
        "types": list(types),
        "reasons": list(reasons),
        "counts": list(counts.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, parameters)
    if not workspace.quarantine:
        return False
    # Nothing is kept of forgotten people.
    examples = [
        each for each in refused if each.body is not None and each.reason != RefusalReason.FORGOTTEN
    ]
    examples = examples[-MOST_EXAMPLES:]
    if not examples:
        return False
    share_quarantine(workspace_id)
    examples = _without_forgotten(workspace_id, examples)
    QuarantinedRequest.objects.bulk_create(_rows(workspace, examples))
    with connection.cursor() as cursor:
        cursor.execute(TRIM, {"workspace_id": workspace_id, "others": MOST_QUARANTINED - 1})
    return bool(examples)


def _without_forgotten(workspace_id: UUID, examples: Sequence[RefusedData]) -> list[RefusedData]:
    """Return examples from after the last erasure: earlier ones may be about erased people."""
    last = ErasureReceipt.objects.latest_of(workspace_id)
    if last is None:
        return list(examples)
    return [each for each in examples if each.moment > last.moment]


def _rows(workspace: WorkspaceRules, examples: Sequence[RefusedData]) -> list[QuarantinedRequest]:
    bodies = [_parsed(each.body) for each in examples]
    named = [
        found
        for body in bodies
        if isinstance(body, dict)
        and isinstance(given := body.get("customerId"), str)
        and (found := as_uuid(given)) is not None
    ]
    nodes = dict(fetch_all(NODES, [workspace.id, named])) if named else {}
    return [
        QuarantinedRequest(
            id=new_id(),
            workspace_id=workspace.id,
            node_id=each.node_id or _node_of(workspace, body, nodes),
            source_id=each.source_id,
            user_id=each.user_id,
            entity=each.entity,
            type=type_of(each),
            reason=each.reason,
            origin=each.origin,
            message=each.message[:LONGEST_MESSAGE].replace("\0", "\ufffd"),
            errors=_errors(each.errors),
            body=_text_of(each.body, body),
            refused_at=each.moment,
        )
        for each, body in zip(examples, bodies, strict=True)
    ]


def _node_of(workspace: WorkspaceRules, body: Any, nodes: Mapping[UUID, UUID]) -> UUID | None:
    """Return the node of a body, or that of its customer."""
    if not isinstance(body, dict):
        return None
    brought_back = body.get("bringBackProperties")
    within = brought_back if isinstance(brought_back, dict) else body
    for name, known in (("nodeId", workspace.nodes), ("customerId", nodes)):
        given = within.get(name)
        found = as_uuid(given) if isinstance(given, str) else None
        if found is not None and found in known:
            return found if name == "nodeId" else nodes[found]
    return None


def count_key(refused: RefusedData, event_type: str) -> CountKey:
    hour = refused.moment.replace(minute=0, second=0, microsecond=0)
    return hour, refused.source_id, refused.entity, event_type, refused.reason


def type_of(refused: RefusedData) -> str:
    """Return the type of event, empty for customers and unknown types."""
    if refused.type is not None:
        return refused.type
    if refused.entity is not RefusedEntity.EVENT:
        return ""
    body = _parsed(refused.body)
    found = body.get("type") if isinstance(body, dict) else None
    return found if isinstance(found, str) and found in EVENT_TYPES else ""


def _parsed(body: Any) -> Any:
    if not isinstance(body, bytes):
        return body
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _text_of(given: Any, body: Any) -> str:
    """Return a body in its stored form: JSON without its password, or text that was no JSON."""
    if body is None and isinstance(given, bytes):
        text = given[:LARGEST_BODY].decode(errors="replace").replace("\0", "\ufffd")
        return "" if "password" in text else text
    if isinstance(body, dict) and password_in(body.get("base")) is not None:
        body = body | {"base": with_password(body["base"], None)}
    try:
        text = orjson.dumps(body).decode()
    except TypeError:  # for example, integers of more than 64 bits
        text = json.dumps(body, ensure_ascii=True)
    return text if len(text) <= LARGEST_BODY else ""


def _errors(errors: Sequence[FieldError]) -> Any:
    listed = [
        {"path": each.path, "message": each.message, "code": each.code, "data": each.data}
        for each in errors[:MOST_ERRORS]
    ]
    text = json.dumps(listed, default=str)
    return json.loads(text.replace("\\u0000", "\\ufffd"))
