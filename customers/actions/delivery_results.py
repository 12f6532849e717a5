"""Stores what became of messages to webhooks: progress, the log, the next attempt, the pause."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from contacthub_project.core.errors import Gone, Invalid
from contacthub_project.db.clock import StatementTimestamp
from contacthub_project.db.leases import Lease
from contacthub_project.messaging.outbound_http import OutboundAnswer
from customers.domain.webhooks import delay_after
from customers.models import Webhook, WebhookAttempt, WebhookState
from customers.models.webhook import WebhookQuerySet

log = structlog.get_logger("contacthub.webhooks")

NOT_AGAIN = 410  # Gone: the receiver wants no more messages (Standard Webhooks)


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is sent; `offsets` are those of its updates."""

    id: str
    first: int
    last: int
    offsets: Sequence[int]
    body: bytes


@dataclass(frozen=True, slots=True)
class Window:
    """Messages that are in flight together: the feed after offset `after` up to offset `end`."""

    url: str
    keys: tuple[str, ...]
    after: int
    end: int
    messages: Sequence[Message]


def active_and_held(claimed: Lease) -> WebhookQuerySet:
    """Return the webhook of a lease, if it is still the holder's and active."""
    return Webhook.objects.held_by(claimed).filter(state=WebhookState.ACTIVE)


def advance(claimed: Lease, webhook: Webhook, *, after: int, end: int) -> bool:
    """Record that the feed is delivered up to `end`; return False when the lease is lost."""
    held = active_and_held(claimed).filter(delivered_offset=after)
    beyond = [each for each in webhook.accepted_offsets if each > end]
    return bool(
        held.update(
            delivered_offset=end,
            batch_end=None,
            accepted_offsets=beyond,
            failures=0,
            failing_since=None,
        )
    )


def store_answers(claimed: Lease, window: Window, answers: Sequence[OutboundAnswer]) -> bool:
    """Store the answers to the messages; return whether the next ones may be sent."""
    with transaction.atomic():
        webhook = active_and_held(claimed).select_for_update().first()
        if webhook is None:
            return False
        answered = list(zip(window.messages, answers, strict=True))
        WebhookAttempt.objects.bulk_create([_attempt(webhook, *each) for each in answered])
        failed = [answer for answer in answers if not answer.is_success]
        if not failed:
            return advance(claimed, webhook, after=window.after, end=window.end)
        accepted = {
            offset
            for message, answer in answered
            if answer.is_success
            for offset in message.offsets
        }
        webhook.accepted_offsets = sorted(accepted.union(webhook.accepted_offsets))
        _schedule_retry(webhook, max(failed, key=_severity))
    return False


def store_failure(claimed: Lease, failure: Exception) -> None:
    """Log a fault of ours as an attempt without a message, and schedule the next attempt."""
    with transaction.atomic():
        webhook = active_and_held(claimed).select_for_update().first()
        if webhook is not None:
            answer = OutboundAnswer(None, 0, error=f"internal error: {type(failure).__name__}")
            first = webhook.delivered_offset + 1
            message = Message("", first, webhook.batch_end or first, (), b"")
            _attempt(webhook, message, answer).save()
            _schedule_retry(webhook, answer)


def pause(claimed: Lease, refusal: Gone | Invalid) -> None:
    """Pause the webhook of a lease because its next changes cannot be read."""
    with transaction.atomic():
        webhook = active_and_held(claimed).select_for_update().first()
        if webhook is not None:
            _set_paused(webhook, _reason(refusal))
            webhook.save(update_fields=["state", "paused_reason"])


def _attempt(webhook: Webhook, message: Message, answer: OutboundAnswer) -> WebhookAttempt:
    error = answer.error
    if error is None and not answer.is_success:
        error = f"The receiver answered {answer.status}"
    return WebhookAttempt(
        workspace_id=webhook.workspace_id,
        webhook_id=webhook.id,
        message_id=message.id,
        first_offset=message.first,
        last_offset=message.last,
        updates=len(message.offsets),
        status=answer.status,
        error=error,
        answer=answer.beginning,
        milliseconds=answer.milliseconds,
        attempted_at=StatementTimestamp(),  # the clock that decides when the next one is due
    )


def _severity(answer: OutboundAnswer) -> tuple[bool, float]:
    return answer.status == NOT_AGAIN, answer.retry_after or 0.0


def _schedule_retry(webhook: Webhook, answer: OutboundAnswer) -> None:
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
        delay = delay_after(webhook.failures, jitter=jitter, retry_after=answer.retry_after)
        webhook.next_attempt_at = StatementTimestamp() + timedelta(seconds=delay)  # type: ignore[assignment]
    webhook.save(
        update_fields=[
            "accepted_offsets", "failures", "failing_since", "next_attempt_at", "state",
            "paused_reason",
        ]
    )  # fmt: skip


def _set_paused(webhook: Webhook, reason: str) -> None:
    webhook.state, webhook.paused_reason = WebhookState.PAUSED, reason
    log.warning("a webhook is paused", webhook=str(webhook.id), reason=reason)


def _reason(refusal: Gone | Invalid) -> str:
    if isinstance(refusal, Gone):
        return refusal.message
    faults = "; ".join(f"{each.path} {each.message}" for each in refusal.errors)
    return f"The condition is no longer valid: {faults}"
