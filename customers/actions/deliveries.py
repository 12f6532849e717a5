"""Delivers changes to webhooks.

The changes are in the change feed, and each webhook's progress is in its row: a crash between any
two lines repeats at most one message. A worker leases a webhook, sends one batch after the other
while there are any, and stores the result of each. Its lease expires when it is killed, and another
worker continues. One event loop serves many webhooks at the same time, so a slow receiver delays no
other; database work runs in the worker's own thread, between the requests.

Each customer's changes keep their order: those of a window, the changes after a webhook's offset
that are in flight together, are all in one message, and the next window waits until every message
of this one was taken.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import structlog
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.utils import timezone
from httpx import AsyncClient

from configuration.models import Workspace
from configuration.queries.rules import WorkspaceRules, latest_rules_of, rules_of
from contacthub_project.api.renderers import json_bytes
from contacthub_project.core.errors import Gone, Invalid, Unavailable
from contacthub_project.db.encryption import decrypt
from contacthub_project.db.leases import Lease
from contacthub_project.db.sql import fetch_all, load
from contacthub_project.messaging.outbound_http import OutboundAnswer, outbound_client, post
from customers.actions.delivery_results import (
    Message,
    Window,
    active_and_held,
    advance,
    pause,
    store_answers,
    store_failure,
)
from customers.domain.webhooks import (
    MOST_IN_FLIGHT,
    UPDATES,
    digest_of_offsets,
    message_body,
    signed_headers,
)
from customers.models import Webhook, WebhookAttempt
from customers.queries.webhooks import Batch, next_batch

log = structlog.get_logger("contacthub.webhooks")

TASK = "customers.tasks.deliver"
MOST_AT_ONCE = 100  # webhooks that one worker serves
SPARE_SECONDS = 15.0  # that a claim lasts beyond the time a receiver has, from each batch on
LOOK_SECONDS = 0.5  # between looks for webhooks that have become due

WORKSPACES = "SELECT DISTINCT workspace_id FROM customers_webhook WHERE state = 'ACTIVE'"
CLAIM = load("customers/sql/claim_webhooks")


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
    """Send messages to a webhook until nothing is left, one fails, or the time is over."""
    prepare, store = sync_to_async(_prepare), sync_to_async(store_answers)
    try:
        async with outbound_client(connections=MOST_IN_FLIGHT) as client:
            while not time_slice.is_over:
                window = await prepare(claimed)
                if window is None:
                    return
                with time_slice.request():
                    answers = await asyncio.gather(
                        *(_send(client, window, message) for message in window.messages)
                    )
                if not await store(claimed, window, answers):
                    return
    except Exception as failure:
        # One webhook's fault is not another's: it is tried again like a failed delivery.
        log.exception("a webhook could not be served", webhook=str(claimed.row_id))
        await sync_to_async(store_failure)(claimed, failure)
    finally:
        await sync_to_async(_release)(claimed)


async def _send(client: AsyncClient, window: Window, message: Message) -> OutboundAnswer:
    headers = signed_headers(window.keys, message.id, datetime.now(UTC), message.body)
    return await post(client, window.url, message.body, headers)


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


def _prepare(claimed: Lease) -> Window | None:
    """Return the next messages; None when there is nothing to send.

    The end of the window is stored before it is sent, so that a repetition has the same ids.
    """
    workspace = latest_rules_of(claimed.workspace_id)
    while True:
        webhook = _extend_lease(claimed)
        if webhook is None or workspace is None:
            return None
        try:
            batch = next_batch(workspace, webhook)
        except (Gone, Invalid) as refusal:
            pause(claimed, refusal)
            return None
        except Unavailable:
            return None
        if batch.messages:
            break
        if batch.end == batch.after:
            return None
        if not advance(claimed, webhook, after=batch.after, end=batch.end):
            return None
    leased = active_and_held(claimed).filter(delivered_offset=batch.after)
    if not leased.update(batch_end=batch.end):
        return None
    return _window(workspace, webhook, batch)


def _window(workspace: WorkspaceRules, webhook: Webhook, batch: Batch) -> Window:
    """Return the messages of a batch.

    Their ids are of their offsets, so a repeated one has the same, unless others are in it.
    """
    now = datetime.now(UTC)
    is_whole = len(batch.messages) == 1 and not webhook.accepted_offsets
    messages = []
    for updates in batch.messages:
        content = {"nextOffset": batch.end, "updates": updates}
        body = message_body(UPDATES, now, workspace.id, webhook.id, **content)
        offsets = [each["offset"] for each in updates]
        first, last = (batch.after + 1, batch.end) if is_whole else (offsets[0], offsets[-1])
        message_id = f"msg_{webhook.id.hex}_{webhook.replays}_{first}_{last}"
        if not is_whole:
            message_id += f"_{digest_of_offsets(offsets)}"
        messages.append(Message(message_id, first, last, offsets, json_bytes(body)))
    return Window(webhook.url, keys_of(webhook), batch.after, batch.end, messages)


def keys_of(webhook: Webhook) -> tuple[str, ...]:
    """Return the secrets that messages are signed with, the latest first."""
    keys = [decrypt(bytes(webhook.secret))]
    until = webhook.previous_secret_until
    if webhook.previous_secret is not None and until is not None and until > timezone.now():
        keys.append(decrypt(bytes(webhook.previous_secret)))
    return tuple(keys)


def _extend_lease(claimed: Lease) -> Webhook | None:
    """Extend the lease, and return the webhook; None when the lease is lost."""
    leased = active_and_held(claimed)
    if not leased.extend(_claim_seconds()):
        return None
    webhook: Webhook | None = leased.first()
    return webhook


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
