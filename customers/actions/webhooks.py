"""Create, change and delete webhooks, sign anew, replay and try them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict
from uuid import UUID

from asgiref.sync import async_to_sync
from django.db import transaction
from django.utils import timezone

from configuration.actions.changing import lock_workspace
from configuration.queries.rules import WorkspaceRules
from contacthub_project.api.renderers import json_bytes
from contacthub_project.core.errors import (
    Conflict,
    FieldError,
    Invalid,
    NotFound,
    Stale,
    pointer,
    unknown_references,
)
from contacthub_project.core.identifiers import new_id
from contacthub_project.db.clock import StatementTimestamp
from contacthub_project.db.encryption import encrypt
from contacthub_project.messaging.enqueue import enqueue_on_commit
from contacthub_project.messaging.outbound_http import (
    OutboundAnswer,
    outbound_client,
    post,
    url_fault,
)
from customers.actions.deliveries import TASK, keys_of
from customers.domain.webhooks import TEST, message_body, new_secret, signed_headers
from customers.models import ChangeEntity, Webhook, WebhookAttempt, WebhookState
from customers.models.webhook import PAUSED_BY_HAND
from customers.queries.feed import last_offset
from customers.queries.feed_filter import FeedFilter
from customers.queries.search import segment_condition
from customers.queries.webhooks import (
    Preview,
    parsed_condition,
    parsed_event_conditions,
    preview,
)

MOST_WEBHOOKS = 50  # of a workspace
KEYS_OVERLAP = timedelta(hours=24)  # during which the previous secret signs messages, too
# The fields that select changes and properties.
SELECTION = (
    "entities", "operations", "node_ids", "event_types", "segment_ids", "condition",
    "event_conditions", "field_paths",
)  # fmt: skip


class WebhookValues(TypedDict, total=False):
    """Values of a webhook that can change, by model field."""

    name: str
    url: str
    entities: list[str]
    operations: list[str]
    node_ids: list[UUID]
    event_types: list[str]
    segment_ids: list[UUID]
    condition: Any
    event_conditions: list[Any]
    field_paths: list[str]
    max_in_flight: int
    state: str


def create_webhook(workspace: WorkspaceRules, values: WebhookValues) -> tuple[Webhook, str]:
    """Create a webhook for changes from now on; return it with its secret.

    Raises Invalid, and Conflict when the workspace has 50.
    """
    _check(workspace, values)
    secret = new_secret()
    begin = last_offset(workspace.id, FeedFilter())
    with transaction.atomic():
        lock_workspace(workspace.id)
        present = Webhook.objects.in_workspace(workspace.id)
        if present.count_up_to(MOST_WEBHOOKS) >= MOST_WEBHOOKS:
            raise Conflict(f"A workspace has at most {MOST_WEBHOOKS} webhooks")
        webhook = Webhook.objects.create(
            workspace_id=workspace.id,
            secret=encrypt(secret),
            delivered_offset=begin,
            next_attempt_at=StatementTimestamp(),
            **values,
        )
        webhook.refresh_from_db(fields=["next_attempt_at"])
    return webhook, secret


def preview_webhook(workspace: WorkspaceRules, values: WebhookValues) -> Preview:
    """Return what a webhook with these values would send of the latest changes; raises Invalid."""
    _check(workspace, values)
    return preview(workspace, Webhook(workspace_id=workspace.id, **values))


@transaction.atomic
def modify_webhook(
    workspace: WorkspaceRules,
    webhook_id: UUID,
    values: WebhookValues,
    *,
    expected_version: int | None,
) -> Webhook:
    """Change a webhook, from the next message on.

    A change to ACTIVE makes the next attempt immediate. Raises Invalid, NotFound, and Stale when
    the version is not `expected_version`.
    """
    webhook = lock_webhook(workspace.id, webhook_id)
    if expected_version is not None and expected_version != webhook.version:
        raise Stale
    changed = {name for name, value in values.items() if getattr(webhook, name) != value}
    if not changed:
        return webhook
    _check(workspace, values)
    for name in changed:
        setattr(webhook, name, values[name])  # type: ignore[literal-required]
    if changed & {*SELECTION}:
        _begin_anew(webhook)
    if webhook.state == WebhookState.ACTIVE and changed & {"state", "url"}:
        webhook.paused_reason = webhook.failing_since = None
        webhook.failures, webhook.next_attempt_at = 0, StatementTimestamp()
    elif changed & {"state"}:
        webhook.paused_reason = PAUSED_BY_HAND
    _save(webhook)
    enqueue_on_commit(TASK)
    return webhook


@transaction.atomic
def delete_webhook(workspace_id: UUID, webhook_id: UUID) -> None:
    """Delete a webhook and the log of its attempts; raises NotFound."""
    webhook = lock_webhook(workspace_id, webhook_id)
    WebhookAttempt.objects.of_webhook(workspace_id, webhook_id).delete()
    webhook.delete()


@transaction.atomic
def rotate_secret(workspace_id: UUID, webhook_id: UUID) -> tuple[Webhook, str]:
    """Give a webhook a new secret and return it; for a day messages carry both signatures."""
    webhook = lock_webhook(workspace_id, webhook_id)
    secret = new_secret()
    webhook.previous_secret, webhook.secret = webhook.secret, encrypt(secret)
    webhook.previous_secret_until = timezone.now() + KEYS_OVERLAP
    _save(webhook)
    return webhook, secret


@transaction.atomic
def replay(workspace_id: UUID, webhook_id: UUID, *, after: int) -> Webhook:
    """Deliver changes after an offset again, with new message ids; raises NotFound.

    `after` is a result of `customers.queries.feed.start_at`.
    """
    webhook = lock_webhook(workspace_id, webhook_id)
    webhook.delivered_offset = after
    _begin_anew(webhook)
    webhook.failures, webhook.failing_since = 0, None
    webhook.next_attempt_at = StatementTimestamp()
    _save(webhook)
    enqueue_on_commit(TASK)
    return webhook


def send_test(webhook: Webhook) -> OutboundAnswer:
    """Send a message without updates, signed like all others, and return what came of it."""
    now = datetime.now(UTC)
    body = json_bytes(message_body(TEST, now, webhook.workspace_id, webhook.id, updates=[]))
    headers = signed_headers(keys_of(webhook), f"msg_{new_id().hex}", now, body)

    async def send() -> OutboundAnswer:
        async with outbound_client() as client:
            return await post(client, webhook.url, body, headers)

    answer: OutboundAnswer = async_to_sync(send)()
    return answer


def lock_webhook(workspace_id: UUID, webhook_id: UUID) -> Webhook:
    """Lock the webhook and return it as it is now; raises NotFound."""
    webhooks = Webhook.objects.in_workspace(workspace_id).select_for_update()
    webhook = webhooks.filter(id=webhook_id).first()
    if webhook is None:
        raise NotFound(f"webhook not found {webhook_id}")
    return webhook


def _begin_anew(webhook: Webhook) -> None:
    """End the current lease, so that its message no longer counts."""
    webhook.batch_end = webhook.claim = webhook.claimed_until = None
    webhook.accepted_offsets = []
    webhook.replays += 1


def _save(webhook: Webhook) -> None:
    webhook.version += 1
    webhook.updated_at = timezone.now()
    webhook.save()
    webhook.refresh_from_db(fields=["next_attempt_at"])  # it may be by the database's clock


def _check(workspace: WorkspaceRules, values: WebhookValues) -> None:
    """Raise Invalid with every fault."""
    faults: list[FieldError] = []
    if "url" in values and (fault := url_fault(values["url"])) is not None:
        faults.append(FieldError("/url", fault, "format"))
    faults += unknown_references(
        values.get("node_ids", ()),
        workspace.nodes,
        at="/nodes/{}",
        message="is not a node of this workspace",
    )
    faults += unknown_references(
        values.get("event_types", ()),
        workspace.event_types,
        at="/eventTypes/{}",
        message="is not a type of event",
    )
    for index, segment_id in enumerate(values.get("segment_ids", ())):
        at = pointer("segments", index)
        faults += segment_condition(str(segment_id), workspace, at=at)[1]
    faults += _field_faults(workspace, values.get("field_paths", ()))
    if values.get("condition") is not None:
        try:
            parsed_condition(values["condition"], workspace)
        except Invalid as invalid:
            faults += [
                FieldError(f"/condition{each.path}", each.message, each.code, each.data)
                for each in invalid.errors
            ]
        if ChangeEntity.CUSTOMER not in (values.get("entities") or [ChangeEntity.CUSTOMER]):
            faults.append(FieldError("/condition", "is for webhooks about customers", "entity"))
    if values.get("event_conditions"):
        faults += parsed_event_conditions(values["event_conditions"], workspace)[1]
        if ChangeEntity.EVENT not in (values.get("entities") or [ChangeEntity.EVENT]):
            faults.append(FieldError("/eventConditions", "are for webhooks about events", "entity"))
    if faults:
        raise Invalid(errors=faults)


def _field_faults(workspace: WorkspaceRules, paths: Sequence[str]) -> list[FieldError]:
    """Properties that no customer has; those of events depend on their type."""
    sections = {"base", "consents", "extended", "tags", "sourceInfo", "deleted"}
    events = {"type", "date", "properties", "contextInfo", "context", "tracking", "customerId"}
    return [
        FieldError(pointer("fields", index), "is not a property of customers or events", "path")
        for index, path in enumerate(paths)
        if path not in sections
        and path.partition(".")[0] not in events
        and workspace.customer_schema.kind_of(path) is None
    ]
