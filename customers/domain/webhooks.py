"""The content and signature of webhook messages, and the schedule of attempts."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from standardwebhooks import Webhook as Signer

from contacthub_project.core.timestamps import format_timestamp
from customers.domain.projection import FieldSelection, field_selection, select_fields
from customers.domain.updates import Update

SECRET_PREFIX = "whsec_"  # noqa: S105 - Standard Webhooks, "Signature scheme"
SECRET_BYTES = 32
UPDATES = "contacthub.updates"
TEST = "contacthub.test"
ALWAYS_SENT = ("id", "nodeId")
BATCH = 100  # updates in a message
MOST_IN_FLIGHT = 8  # messages of one webhook at the same time

FIRST_DELAY = 5.0  # seconds
LONGEST_DELAY = 6 * 3600.0
LONGEST_RETRY_AFTER = 24 * 3600.0  # the longest accepted Retry-After


class MessageBody(TypedDict):
    """The body of a message; `data` has the ids of workspace and webhook, and the updates."""

    type: str
    timestamp: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class UpdateSelection:
    """A selection of changes; empty collections select all."""

    operations: Collection[str] = ()
    event_types: Collection[str] = ()
    segments: Collection[UUID] = ()

    def selects(self, update: Update) -> bool:
        """Return whether a change is selected.

        A deletion has no type of event and no segment: it is selected for any of them, because the
        receiver may know the entity.
        """
        data = update["entity"]["data"]
        if self.operations and update["operation"] not in self.operations:
            return False
        kind = update["entity"]["type"]
        if kind == "EVENT" and self.event_types and "type" in data:
            return data["type"] in self.event_types
        if kind == "SEGMENT" and self.segments and "segmentId" in data:
            return data["segmentId"] in self.segments
        return True


def customer_of(update: Update) -> str | None:
    """Return the id that an update's order depends on; None when it is not known any more.

    It is the customer's, or of an event without one the event's own. Of a deleted event the
    customer is not known.
    """
    data = update["entity"]["data"]
    customer_id = data.get("customerId")
    if customer_id is not None:
        return str(customer_id)
    is_deleted = update["operation"] == "DELETE"
    return None if is_deleted and update["entity"]["type"] != "CUSTOMER" else str(data["id"])


def split_into_messages(updates: Sequence[Update], *, most: int) -> list[list[Update]]:
    """Split the first updates into at most `most` messages that may be in flight together.

    All changes of a customer are in one message, in order; a message has at most BATCH updates. The
    split ends before the first update that would break one of these rules. A change whose customer
    is not known goes in order with those of everybody.
    """
    if most == 1 or (updates and customer_of(updates[0]) is None):
        return [list(updates[:BATCH])]
    count = min(most, -(-len(updates) // BATCH))
    messages: list[list[Update]] = [[] for _ in range(count)]
    of_customer: dict[str, list[Update]] = {}
    for update in updates:
        customer = customer_of(update)
        if customer is None:
            break
        message = of_customer.setdefault(customer, min(messages, key=len))
        if len(message) == BATCH:
            break
        message.append(update)
    return [each for each in messages if each]


def digest_of_offsets(offsets: Iterable[int]) -> str:
    """Return eight hexadecimal digits that identify the updates of a message among others."""
    return hashlib.sha256(",".join(map(str, offsets)).encode()).hexdigest()[:8]


def message_body(
    kind: str, moment: datetime, workspace_id: UUID, webhook_id: UUID, **content: Any
) -> MessageBody:
    """Return the body of a message (Standard Webhooks, "Payload structure")."""
    return {
        "type": kind,
        "timestamp": format_timestamp(moment),
        "data": {"workspaceId": workspace_id, "webhookId": webhook_id, **content},
    }


def new_secret() -> str:
    """Return a secret to sign with."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(
    keys: Sequence[str], message_id: str, moment: datetime, body: bytes
) -> dict[str, str]:
    """Return the headers of a message, signed with each of the secrets (Standard Webhooks)."""
    signatures = [Signer(key).sign(message_id, moment, body.decode()) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def sent_fields(paths: Sequence[str]) -> FieldSelection:
    """Return the properties to send; empty for all."""
    return field_selection([*ALWAYS_SENT, *paths]) if paths else {}


def sent_update(update: Update, fields: FieldSelection) -> Update:
    """Return an update with the properties to send only; those of segments have no others."""
    entity = update["entity"]
    if not fields or update["operation"] == "DELETE" or entity["type"] == "SEGMENT":
        return update
    return {**update, "entity": {**entity, "data": select_fields(entity["data"], fields)}}


def delay_after(failures: int, *, jitter: float, retry_after: float | None = None) -> float:
    """Return the seconds until the next attempt after so many failures in a row.

    Doubles from 5 seconds to 6 hours; `jitter` from 0 to 1 spreads it over its upper half.
    `retry_after` is the receiver's Retry-After, respected up to a day.
    """
    whole: float = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(failures - 1, 20))
    delay = whole * (0.5 + jitter / 2)
    return max(delay, min(retry_after, LONGEST_RETRY_AFTER)) if retry_after is not None else delay
