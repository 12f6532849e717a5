"""Delivers changes to webhooks.

The changes are in the change feed, and each webhook's progress is in its row: a crash between any
two lines repeats at most one message. A worker leases a webhook, sends one batch after the other
while there are any, and stores the result of each. Its lease expires when it is killed, and another
worker continues. One event loop serves many webhooks at the same time, so a slow receiver delays no
other; database work runs in the worker's own thread, between the requests.

Each customer's changes keep their order, because a webhook has one request at a time, and a failed
batch is sent again before any later one.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import structlog
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from configuration.models import Workspace
from configuration.queries.rules import WorkspaceRules, latest_rules_of, rules_of
from contacthub_project.api.renderers import json_bytes
from contacthub_project.core.errors import Gone, Invalid, Unavailable
from contacthub_project.db.clock import StatementTimestamp
from contacthub_project.db.encryption import decrypt
from contacthub_project.db.leases import Lease
from contacthub_project.db.sql import fetch_all, load
from contacthub_project.messaging.outbound_http import OutboundAnswer, outbound_client, post
from customers.domain.webhooks import UPDATES, delay_after, message_body, signed_headers
from customers.models import Webhook, WebhookAttempt, WebhookState
from customers.models.webhook import WebhookQuerySet
from customers.queries.webhooks import next_batch

log = structlog.get_logger("contacthub.webhooks")

TASK = "customers.tasks.deliver"
MOST_AT_ONCE = 100  # webhooks that one worker serves
SPARE_SECONDS = 15.0  # that a claim lasts beyond the time a receiver has, from each batch on
LOOK_SECONDS = 0.5  # between looks for webhooks that have become due
NOT_AGAIN = 410  # Gone: the receiver wants no more messages (Standard Webhooks)

WORKSPACES = "SELECT DISTINCT workspace_id FROM customers_webhook WHERE state = 'ACTIVE'"
CLAIM = load("customers/sql/claim_webhooks")


class Message(NamedTuple):
    """A batch as it is sent."""

    id: str
    first: int
    last: int
    updates: int
    body: bytes
    keys: tuple[str, ...]


def deliver(*, seconds: float) -> bool:
    """Deliver for at most so many seconds; return True when nothing that is due is left."""
    is_all: bool = async_to_sync(_deliver)(seconds)
    return is_all


class _Slice:
    """The time of one task: `seconds`, and longer while a request begun within them is unanswered.

    A task ends when its last request does. Until then it serves the other webhooks, too, so that
    they need not wait for a slow receiver.
    """

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._unanswered = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more may begin."""
        return time.monotonic() >= self._deadline and not self._unanswered

    @contextmanager
    def request(self) -> Iterator[None]:
        """Enclose a request to a receiver."""
        counted = time.monotonic() < self._deadline
        self._unanswered += counted
        try:
            yield
        finally:
            self._unanswered -= counted


async def _deliver(seconds: float) -> bool:
    """Lease webhooks as they become due, and serve each by its own coroutine."""
    time_slice = _Slice(seconds)
    claim = sync_to_async(_claim)
    served: set[asyncio.Task[None]] = set()
    while not time_slice.is_over:
        claimed = await claim(MOST_AT_ONCE - len(served))
        served |= {asyncio.create_task(_serve(each, time_slice)) for each in claimed}
        if not served:
            return True
        done, served = await asyncio.wait(
            served, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        _raise_first(done)
    if served:
        done, _ = await asyncio.wait(served)
        _raise_first(done)
    return False


def _raise_first(done: set[asyncio.Task[None]]) -> None:
    for each in done:
        each.result()


async def _serve(claimed: Lease, time_slice: _Slice) -> None:
    """Send batches to a webhook until nothing is left, one fails, or the time is over."""
    prepare, note = sync_to_async(_prepare), sync_to_async(_note)
    try:
        async with outbound_client() as client:
            while not time_slice.is_over:
                prepared = await prepare(claimed)
                if prepared is None:
                    return
                url, message = prepared
                headers = signed_headers(message.keys, message.id, datetime.now(UTC), message.body)
                with time_slice.request():
                    answer = await post(client, url, message.body, headers)
                if not await note(claimed, message, answer):
                    return
    except Exception as failure:
        # One webhook's fault is not another's: it is tried again like a failed delivery.
        log.exception("a webhook could not be served", webhook=str(claimed.row_id))
        reason = OutboundAnswer(None, 0, error=f"internal error: {type(failure).__name__}")
        await note(claimed, None, reason)
    finally:
        await sync_to_async(_release)(claimed)


def _claim(most: int) -> list[Lease]:
    """Lease webhooks that are due and have something to deliver, at most `most`."""
    claimed: list[Lease] = []
    workspaces = fetch_all(WORKSPACES, [])
    random.shuffle(workspaces)  # where there are more than can be served, none is always last
    for (workspace_id,) in workspaces:
        if len(claimed) >= most:
            break
        workspace = rules_of(workspace_id)
        if workspace is None or workspace.is_disabled:
            continue
        parameters = {
            "workspace_id": workspace_id,
            "claim": uuid4(),
            "seconds": _claim_seconds(),
            "limit": most - len(claimed),
        }
        claimed += [Lease(*row) for row in fetch_all(CLAIM, parameters)]
    return claimed


def _claim_seconds() -> float:
    return float(settings.WEBHOOK_TIMEOUT + SPARE_SECONDS)


def _prepare(claimed: Lease) -> tuple[str, Message] | None:
    """Return the address and the next message; None when there is nothing to send.

    The end of the batch is stored before it is sent, so that a repetition has the same id.
    """
    workspace = latest_rules_of(claimed.workspace_id)
    while True:
        webhook = _held(claimed)
        if webhook is None or workspace is None:
            return None
        try:
            batch = next_batch(workspace, webhook)
        except (Gone, Invalid) as refusal:
            _pause(claimed, _reason(refusal))
            return None
        except Unavailable:
            return None
        if batch.updates:
            break
        if batch.end == batch.after or not _advance(claimed, batch.after, batch.end):
            return None
    if not _mine(claimed).filter(delivered_offset=batch.after).update(batch_end=batch.end):
        return None
    return webhook.url, _message(workspace, webhook, batch.after, batch.end, batch.updates)


def _message(
    workspace: WorkspaceRules, webhook: Webhook, after: int, end: int, updates: Any
) -> Message:
    now = datetime.now(UTC)
    body = message_body(UPDATES, now, workspace.id, webhook.id, nextOffset=end, updates=updates)
    message_id = f"msg_{webhook.id.hex}_{webhook.replays}_{after + 1}_{end}"
    return Message(message_id, after + 1, end, len(updates), json_bytes(body), keys_of(webhook))


def keys_of(webhook: Webhook) -> tuple[str, ...]:
    """Return the secrets that messages are signed with, the latest first."""
    keys = [decrypt(bytes(webhook.secret))]
    until = webhook.previous_secret_until
    if webhook.previous_secret is not None and until is not None and until > timezone.now():
        keys.append(decrypt(bytes(webhook.previous_secret)))
    return tuple(keys)


def _held(claimed: Lease) -> Webhook | None:
    """Extend the lease, and return the webhook; None when the lease is lost."""
    mine = _mine(claimed)
    if not mine.extend(_claim_seconds()):
        return None
    webhook: Webhook | None = mine.first()
    return webhook


def _mine(claimed: Lease) -> WebhookQuerySet:
    return Webhook.objects.held_by(claimed).filter(state=WebhookState.ACTIVE)


def _advance(claimed: Lease, after: int, end: int) -> bool:
    """Record that the feed is delivered up to `end`; return False when the lease is lost."""
    return bool(
        _mine(claimed)
        .filter(delivered_offset=after)
        .update(delivered_offset=end, batch_end=None, failures=0, failing_since=None)
    )


def _note(claimed: Lease, message: Message | None, answer: OutboundAnswer) -> bool:
    """Store the result of a message; return whether the next one may be sent."""
    with transaction.atomic():
        webhook = _mine(claimed).select_for_update().first()
        if webhook is None:
            return False
        if message is not None:
            _log_attempt(webhook, message, answer)
        if answer.is_success and message is not None:
            return _advance(claimed, message.first - 1, message.last)
        _put_off(webhook, answer)
    return False


def _log_attempt(webhook: Webhook, message: Message, answer: OutboundAnswer) -> None:
    error = answer.error
    if error is None and not answer.is_success:
        error = f"The receiver answered {answer.status}"
    WebhookAttempt.objects.create(
        workspace_id=webhook.workspace_id,
        webhook_id=webhook.id,
        message_id=message.id,
        first_offset=message.first,
        last_offset=message.last,
        updates=message.updates,
        status=answer.status,
        error=error,
        answer=answer.beginning,
        milliseconds=answer.milliseconds,
        attempted_at=StatementTimestamp(),  # the clock that decides when the next one is due
    )


def _put_off(webhook: Webhook, answer: OutboundAnswer) -> None:
    """Schedule the next attempt, or pause the webhook when it has failed for days."""
    now = timezone.now()
    webhook.failures += 1
    webhook.failing_since = webhook.failing_since or now
    reason = answer.error or f"the receiver answered {answer.status}"
    if answer.status == NOT_AGAIN:
        _set_paused(webhook, "The receiver answered 410: it wants no more messages")
    elif now - webhook.failing_since > timedelta(days=settings.WEBHOOK_RETRY_DAYS):
        days = f"{settings.WEBHOOK_RETRY_DAYS:g}"
        _set_paused(webhook, f"Deliveries have failed for {days} days, the last one: {reason}")
    else:
        jitter = random.random()  # noqa: S311 - no secret
        delay = delay_after(webhook.failures, jitter=jitter, wish=answer.retry_after)
        webhook.next_attempt_at = StatementTimestamp() + timedelta(seconds=delay)  # type: ignore[assignment]
    webhook.save(
        update_fields=["failures", "failing_since", "next_attempt_at", "state", "paused_reason"]
    )


def _pause(claimed: Lease, reason: str) -> None:
    with transaction.atomic():
        webhook = _mine(claimed).select_for_update().first()
        if webhook is not None:
            _set_paused(webhook, reason)
            webhook.save(update_fields=["state", "paused_reason"])


def _set_paused(webhook: Webhook, reason: str) -> None:
    webhook.state, webhook.paused_reason = WebhookState.PAUSED, reason
    log.warning("a webhook is paused", webhook=str(webhook.id), reason=reason)


def _reason(refusal: Gone | Invalid) -> str:
    if isinstance(refusal, Gone):
        return refusal.message
    faults = "; ".join(f"{each.path} {each.message}" for each in refusal.errors)
    return f"The condition is no longer valid: {faults}"


def _release(claimed: Lease) -> None:
    """Release the webhook, unless another worker has it by now."""
    Webhook.objects.held_by(claimed).update(claim=None, claimed_until=None)


def remove_old_attempts() -> None:
    """Remove attempts that are older than the log of webhooks keeps them."""
    before = timezone.now() - timedelta(days=settings.WEBHOOK_LOG_DAYS)
    for workspace_id in Workspace.objects.present().values_list("id", flat=True):
        attempts = WebhookAttempt.objects.in_workspace(workspace_id)
        while ids := list(attempts.filter(attempted_at__lt=before).values_list("id")[:1000]):
            attempts.filter(id__in=[each for (each,) in ids]).delete()
