"""Data quality: how well properties are filled, and how much of each source is refused.

Both are exact for few rows and taken from a random sample of many, so that the cost is bounded.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Sum

from analytics.domain.data_quality import SECTIONS, PropertyCounter, PropertyQuality
from analytics.queries.totals import counted_entities
from configuration.models import NodeType
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.identifiers import as_uuid
from contacthub_project.db.counters import Entity
from contacthub_project.db.sql import fetch_all, load
from customers.models import Customer, MatchingKey, RefusalCount
from customers.queries.feed import position_of, start_at

MOST_CUSTOMERS = 10_000  # read for one answer
MOST_CHANGES = 10_000
MOST_SECONDS = 5.0  # for reading customers
PAGE = 500
HOUR = timedelta(hours=1)
COLUMNS = ("external_id", "extra", "base", "consents", "extended", "tags")  # as SECTIONS

ACCEPTED = load("analytics/sql/accepted_by_author")

# A source, None for people, and an entity.
SentBy = tuple[UUID | None, str]


@dataclass(frozen=True, slots=True)
class CustomerQuality:
    """The properties of the customers of some nodes, counted in `read` of all `customers`."""

    customers: int
    read: int
    is_sampled: bool
    properties: Sequence[PropertyQuality]


@dataclass(frozen=True, slots=True)
class SourceQuality:
    """How much of an entity a source has written, and how much of it was refused."""

    source_id: UUID | None
    entity: str
    accepted: int
    refused: int

    @property
    def refused_share(self) -> float:
        """The share of what was sent, from 0 to 1."""
        return round(self.refused / (self.accepted + self.refused), 4)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What sources have sent since a moment, counted in `read` of all `changes` of the feed."""

    since: datetime
    changes: int
    read: int
    sources: Sequence[SourceQuality]

    @property
    def is_sampled(self) -> bool:
        """Whether the accepted numbers are estimates."""
        return self.read < self.changes


def customer_quality(
    workspace: WorkspaceRules, node_ids: Collection[UUID], *, most: int | None = None
) -> CustomerQuality:
    """Return counts by property of the live customers of nodes.

    Exact for up to `most`, MOST_CUSTOMERS unless given; of more about as many are read, chosen at
    random.
    """
    most = MOST_CUSTOMERS if most is None else min(most, MOST_CUSTOMERS)
    total = counted_entities(workspace.id, list(node_ids), Entity.CUSTOMERS)
    counter = PropertyCounter(workspace.customer_schema, workspace.stored_customer_schema)
    is_sampled = total > most
    share = most / total if is_sampled else None
    deadline = monotonic() + MOST_SECONDS
    read = 0
    # In a transaction the cursor sends rows when they are asked for.
    with transaction.atomic():
        for values in _documents(workspace.id, node_ids, share):
            if counter.is_full or monotonic() > deadline:
                is_sampled = True
                break
            counter.add(dict(zip(SECTIONS, values, strict=True)))
            read += 1
    total = max(total, read) if is_sampled else read
    return CustomerQuality(total, read, is_sampled, list(counter.results()))


def source_acceptance(
    workspace: WorkspaceRules, since: datetime, *, most: int | None = None
) -> Acceptance:
    """Return what sources have sent from the hour of `since` on, as far as the feed is kept.

    Refused data is counted exactly; accepted data by the changes of the feed, of which at most
    `most`, MOST_CHANGES unless given, are read, chosen at random. Raises Unavailable
    (`customers.queries.feed`).
    """
    most = MOST_CHANGES if most is None else min(most, MOST_CHANGES)
    since = _hour_of(since)
    trimmed_before = position_of(workspace.id).trimmed_before
    if trimmed_before is not None and trimmed_before > since:
        since = _hour_of(trimmed_before) + HOUR
    first = start_at(workspace.id, offset=None, since=since)
    offsets: Sequence[int] = range(first + 1, position_of(workspace.id).last_offset + 1)
    changes = len(offsets)
    if changes > most:
        offsets = random.sample(offsets, most)
    accepted = _accepted(workspace, offsets)
    refused = _refused(workspace.id, since)
    sources = [
        SourceQuality(
            source_id,
            entity,
            round(accepted[source_id, entity] * changes / max(len(offsets), 1)),
            refused[source_id, entity],
        )
        for source_id, entity in sorted(
            accepted | refused, key=lambda sent: (sent[0] is None, str(sent[0]), sent[1])
        )
    ]
    return Acceptance(since, changes, len(offsets), sources)


def _hour_of(moment: datetime) -> datetime:
    """Return the beginning of the hour in which refusals of a moment are counted."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _documents(
    workspace_id: UUID, node_ids: Collection[UUID], share: float | None
) -> Iterator[tuple[Any, ...]]:
    """Yield the SECTIONS of all live customers of nodes, or of a `share` of them."""
    customers = Customer.objects.in_workspace(workspace_id).filter(node_id__in=node_ids).live()
    if share is None:
        parts = [customers]
    else:
        # Keys are hashes: those below a limit are a random choice, which an index finds.
        limit = int(share * 2**64).to_bytes(8)
        further = _first_further_keys(workspace_id, node_ids).filter(key__lt=limit)
        parts = [
            customers.filter(match_key__lt=limit),
            customers.filter(match_key__isnull=True, id__in=further.values("customer_id")),
        ]
    for part in parts:
        yield from part.order_by("match_key").values_list(*COLUMNS).iterator(PAGE)


def _first_further_keys(workspace_id: UUID, node_ids: Collection[UUID]) -> QuerySet[MatchingKey]:
    """Return for each customer that has any the key by the first of the further rules."""
    keys = MatchingKey.objects.in_workspace(workspace_id)
    earlier = keys.filter(customer_id=OuterRef("customer_id"), rule__lt=OuterRef("rule"))
    return keys.filter(~Exists(earlier), node_id__in=node_ids)


def _accepted(workspace: WorkspaceRules, offsets: Sequence[int]) -> Counter[SentBy]:
    """Return the numbers of customers and events that the changes have written."""
    entries = [node.id for node in workspace.nodes.values() if node.type == NodeType.ENTRY]
    parameters = {"workspace_id": workspace.id, "offsets": list(offsets), "nodes": entries}
    counts: Counter[SentBy] = Counter()
    for entity, author, number in fetch_all(ACCEPTED, parameters, prepare=False):
        if author is not None:
            counts[as_uuid(author), entity] += number
    return counts


def _refused(workspace_id: UUID, since: datetime) -> Counter[SentBy]:
    sums = RefusalCount.objects.in_workspace(workspace_id).filter(hour__gte=since)
    grouped = sums.order_by().values("source_id", "entity").annotate(number=Sum("count"))
    return Counter({(each["source_id"], each["entity"]): each["number"] for each in grouped})
